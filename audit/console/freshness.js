// When a page asks again, since an answer may be older than the newest change (`audit/answers/cached_read.py`).

// The shortest pause before the same question is asked again, in milliseconds.
const LEAST = 300;
// Many consoles that wait for the same read ask within so many milliseconds of each other.
export const SPREAD = 200;

// The age of what an answer shows and the time until it can be read again, in seconds; null if it has none.
export function ageOf(headers) {
  const [age, next] = ["Read-Age", "Next-Read"].map((name) => parseFloat(headers.get(name) || ""));
  return Number.isFinite(age) && Number.isFinite(next) ? { age, next } : null;
}

// Milliseconds until a question is asked again; null if what the answer shows was read after the question was asked
// first, `waited` milliseconds ago.
export function untilAskedAgain(read, waited) {
  if (!read || read.age * 1000 <= waited) return null;
  return Math.max(LEAST, read.next * 1000);
}
