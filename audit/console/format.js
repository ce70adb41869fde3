// How times, durations, values and names are written.

/** @type {[number, string][]} */
const UNITS = [
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];

export function ago(time, now = Date.now()) {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  const [size, unit] = UNITS.find(([least]) => seconds >= least) || UNITS[UNITS.length - 1];
  return seconds < 1 ? "now" : `${Math.floor(seconds / size)} ${unit} ago`;
}

export function moment(time) {
  return `${day(time)}, ${clock(time)}`;
}

// For what the API server notes: it keeps whole seconds.
export function second(time) {
  return `${day(time)}, ${clock(time).slice(0, -4)}`;
}

const day = (time) => new Date(time).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });

export function clock(time) {
  const at = new Date(time);
  const two = (number) => String(number).padStart(2, "0");
  const thousandth = String(at.getMilliseconds()).padStart(3, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${thousandth}`;
}

export function duration(milliseconds) {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60000) return `${(milliseconds / 1000).toFixed(2)} s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export function value(content) {
  if (content === null || content === undefined) return "";
  return typeof content === "string" ? content : JSON.stringify(content, null, 1).replace(/\n\s*/g, " ");
}

export function named(object) {
  return object.namespace ? `${object.namespace}/${object.name}` : object.name;
}

export function count(number, word) {
  return `${number.toLocaleString()} ${word}${number === 1 ? "" : "s"}`;
}

export function bytes(number) {
  const power = Math.min(3, Math.floor(Math.log2(Math.max(1, number)) / 10));
  const scaled = number / 1024 ** power;
  return `${scaled < 10 && power ? scaled.toFixed(1) : Math.round(scaled)} ${["B", "KiB", "MiB", "GiB"][power]}`;
}

// A kind of ours in short: `collected metric` for KeplerCollectedMetric.
export const kindWords = (kind) =>
  kind
    .replace(/^Kepler(?=.)/, "")
    .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toLowerCase();

// What is wrong, without what to do about it: a message ends with that, after a semicolon (`runtime/conditions.py`).
export function causeIn(state) {
  const step = state.step && `; ${state.step}`;
  return step && state.message.endsWith(step) ? state.message.slice(0, -step.length) : state.message;
}

export const words = (name) => name.replaceAll("_", " ");

// Addresses within the console.
export const toResource = (object) =>
  `#/resource/${[object.kind, object.namespace || "-", object.name].map(encodeURIComponent).join("/")}`;
export const toTrace = (trace) => `#/trace/${encodeURIComponent(trace)}`;
export const toActivity = (wanted) => `#/activity${asQuery(wanted)}`;
export const toResources = (wanted) => `#/${asQuery(wanted)}`;

function asQuery(wanted) {
  const given = Object.entries(wanted).filter(([, one]) => one);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
