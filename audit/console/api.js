// The query API (`audit/answer_models.py` has its answers), with the token of this tab, and how a page stays up to date.

import { useCallback, useEffect, useRef, useState } from "./vendor/preact.js";
import { ageOf, SPREAD, untilAskedAgain } from "./freshness.js";

const TOKEN = "token";
// Milliseconds between two questions whether there is anything new, and the longest pause while nobody answers.
const PERIOD = 400;
const LONGEST = 5000;

export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export function signIn(token) {
  sessionStorage.setItem(TOKEN, token.trim());
}

export function signOut() {
  sessionStorage.removeItem(TOKEN);
}

export function query(wanted) {
  const given = Object.entries(wanted).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  const text = new URLSearchParams(given).toString();
  return text ? `?${text}` : "";
}

async function ask(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { Accept: "application/json", ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  let answer;
  try {
    answer = await fetch(`api/v1/${path}`, { ...options, headers, cache: "no-store" });
  } catch {
    throw new Problem(0, "the console does not answer: is `audit` running?");
  }
  if (answer.status === 204 || answer.status === 202) return null;
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, content.detail || content.title || `answered ${answer.status}`);
  const read = ageOf(answer.headers);
  return read ? { ...content, read } : content;
}

export const get = (path) => ask(path);

// What is asked for a dead letter: `replay` or `discard`.
export const request = (letter, what) =>
  ask(`dead-letters/${encodeURIComponent(letter)}/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: "{}",
  });

// Calls `heard` whenever something new was kept, and once at first, since a page may have been read before that; and
// `state` with null or the problem. Returns how to stop.
export function listen(heard, state) {
  let after = null; // Not known before the first answer, which may be that there is nothing.
  let pause = PERIOD;
  let stopped = false;
  let timer;

  const turn = async () => {
    try {
      if (document.visibilityState !== "hidden") {
        const latest = await get(`changes${query({ after })}`);
        if (stopped) return;
        const sequence = latest ? latest.sequence : after || 0;
        if (sequence !== after) heard();
        after = sequence;
      }
      pause = PERIOD;
      state(null);
    } catch (problem) {
      if (stopped) return;
      pause = Math.min(pause * 2, LONGEST);
      state(problem);
    }
    timer = setTimeout(turn, pause);
  };
  turn();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

// What `load` answers, asked again when `keys` or `tick` change, and while the answer is older than that change; what is
// shown stays until a newer answer is there. Answers that take longer than the time between two changes are shown, too.
export function useAnswer(load, keys, tick) {
  const [answer, setAnswer] = useState({ value: null, problem: null });
  const identity = JSON.stringify(keys);
  const known = useRef(identity);
  const shown = useRef(0);
  useEffect(() => {
    const began = performance.now();
    let stopped = false;
    let timer;
    if (known.current !== identity) {
      known.current = identity;
      setAnswer({ value: null, problem: null });
    }
    const show = (change) => {
      if (known.current !== identity || began < shown.current) return;
      shown.current = began;
      setAnswer(change);
    };
    const answered = (value) => {
      show({ value, problem: null });
      if (stopped) return;
      const pause = untilAskedAgain(value?.read, performance.now() - began);
      if (pause !== null) timer = setTimeout(turn, pause + Math.random() * SPREAD);
    };
    const turn = () => load().then(answered, (problem) => show((old) => ({ value: old.value, problem })));
    turn();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [identity, tick]);
  return answer;
}

// A list that goes on: the newest page is asked for at each tick and put on top, older pages when `more` is called.
export function usePages(path, wanted, tick, identify) {
  const [shown, setShown] = useState({ items: null, next: "", problem: null, busy: false });
  const identity = JSON.stringify([path, wanted]);
  const now = useRef(identity);
  now.current = identity;

  useEffect(() => setShown({ items: null, next: "", problem: null, busy: false }), [identity]);
  useEffect(() => {
    get(`${path}${query(wanted)}`).then(
      (page) => now.current === identity && setShown((old) => together(old, page, identify)),
      (problem) => now.current === identity && setShown((old) => ({ ...old, problem })),
    );
  }, [identity, tick]);

  const more = useCallback(() => {
    setShown((old) => {
      if (!old.next || old.busy) return old;
      get(`${path}${query({ ...wanted, before: old.next })}`).then(
        (page) =>
          now.current === identity &&
          setShown((held) => ({ ...held, busy: false, next: page.next, items: [...held.items, ...page.items] })),
        (problem) => now.current === identity && setShown((held) => ({ ...held, busy: false, problem })),
      );
      return { ...old, busy: true };
    });
  }, [identity]);
  return { ...shown, more };
}

function together(old, page, identify) {
  if (old.items === null) return { items: page.items, next: page.next, problem: null, busy: false };
  const fresh = new Set(page.items.map(identify));
  const kept = old.items.filter((one) => !fresh.has(identify(one)));
  const overlaps = kept.length < old.items.length || page.next === "";
  // More came than one page holds: what lies between is not known, so the list begins anew.
  if (!overlaps) return { items: page.items, next: page.next, problem: null, busy: false };
  const older = kept.length > 0 && old.items.length > page.items.length;
  return { ...old, problem: null, items: [...page.items, ...kept], next: older ? old.next : page.next };
}
