// The console: which page is shown, what is new, and the keys.

import { html, render, useCallback, useEffect, useRef, useState } from "./vendor/preact.js";
import { Activity } from "./activity.js";
import { get, listen, signOut, useAnswer } from "./api.js";
import { Doctor } from "./doctor.js";
import { bytes, count } from "./format.js";
import { Help, useKeys } from "./keys.js";
import { Letters } from "./letters.js";
import { Time } from "./parts.js";
import { Resource } from "./resource.js";
import { Resources } from "./resources.js";
import { SignIn } from "./signin.js";
import { Trace } from "./trace.js";

// At most so often is a page asked for again while much is happening, in milliseconds.
const REST = 700;
// What is not told by events (the state of nodes, dead letters) is looked at this often.
const SLOW = 10000;
const THEMES = { "": "◐ auto", light: "☀ light", dark: "☾ dark" };

function address() {
  const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [page, ...rest] = path.split("/").map(decoded);
  return { page, rest, wanted: Object.fromEntries(new URLSearchParams(search)) };
}

// A part of an address that is not encoded as one is shown as it is.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function useAddress() {
  const [shown, setShown] = useState(address());
  useEffect(() => {
    const moved = () => setShown(address());
    addEventListener("hashchange", moved);
    moved(); // It may have changed between what was drawn first and this.
    return () => removeEventListener("hashchange", moved);
  }, []);
  return shown;
}

// Grows whenever there is something new to show; and what keeps the console from hearing of it.
function useNews() {
  const [tick, setTick] = useState(0);
  const [problem, setProblem] = useState(null);
  const last = useRef(0);
  const heard = useCallback(() => {
    const rest = Math.max(0, last.current + REST - Date.now());
    if (last.current > Date.now()) return;
    last.current = Date.now() + rest;
    setTimeout(() => setTick((old) => old + 1), rest);
  }, []);
  useEffect(() => listen(heard, setProblem), []);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState !== "hidden" && setTick((old) => old + 1), SLOW);
    return () => clearInterval(timer);
  }, []);
  return { tick, problem, refresh: () => setTick((old) => old + 1) };
}

function Console({ leave }) {
  const { page, rest, wanted } = useAddress();
  const { tick, problem, refresh } = useNews();
  const letters = useAnswer(() => get("dead-letters"), ["letters"], tick);
  const [help, setHelp] = useState(false);
  useKeys(() => setHelp((old) => !old), help);
  useEffect(() => {
    if (problem?.status === 401) leave(problem.message);
  }, [problem]);
  useEffect(() => {
    arrive();
    document.title = `${[rest[2], page || "resources"].filter(Boolean).join(" · ")} · Kepler on Knative`;
  }, [page, rest.join("/")]);
  const undelivered = letters.value?.items.length || 0;
  return html`
    <a class="skip" href="#main" onClick=${(event) => (event.preventDefault(), document.querySelector("main").focus())}>to the content</a>
    <header class="top">
      <a class="brand" href="#/"><img src="icon.svg" alt="" width="22" height="22" />Kepler <span class="wide">on Knative</span></a>
      <nav aria-label="pages">
        <${Tab} page="" now=${page === "resource" || page === "trace" ? "" : page} href="#/">Resources<//>
        <${Tab} page="activity" now=${page} href="#/activity">Activity<//>
        <${Tab} page="letters" now=${page} href="#/letters">Dead letters${undelivered > 0 && html` <span class="badge">${undelivered}</span>`}<//>
        <${Tab} page="doctor" now=${page} href="#/doctor">Doctor<//>
      </nav>
      <span class="end">
        <${Live} problem=${problem} />
        <${Theme} />
        <button type="button" class="plain" aria-label="keys" title="keys (?)" onClick=${() => setHelp(true)}>?</button>
        ${sessionStorage.getItem("token") && html`<button type="button" class="plain" onClick=${() => leave("")}>sign out</button>`}
      </span>
    </header>
    <main id="main" tabindex="-1">
      ${page === "" && html`<${Resources} wanted=${wanted} tick=${tick} />`}
      ${page === "resource" && html`<${Resource} key=${rest.join("/")} kind=${rest[0]} namespace=${rest[1] === "-" ? "" : rest[1]} name=${rest[2]} letters=${letters.value?.items} tick=${tick} />`}
      ${page === "activity" && html`<${Activity} wanted=${wanted} tick=${tick} />`}
      ${page === "trace" && html`<${Trace} key=${rest[0]} trace=${rest[0]} tick=${tick} />`}
      ${page === "letters" && html`<${Letters} letters=${letters.value ? letters.value.items : null} problem=${letters.problem} reload=${refresh} />`}
      ${page === "doctor" && html`<${Doctor} tick=${tick} />`}
      ${!["", "resource", "activity", "trace", "letters", "doctor"].includes(page) && html`<p class="empty">There is no page “${page}”. <a href="#/">All resources</a></p>`}
    </main>
    <${Foot} tick=${tick} />
    ${help && html`<${Help} close=${() => setHelp(false)} />`}
  `;
}

// Whether a page has been shown in this window before: what is shown first is read from its beginning anyway.
let arrived = false;

// The focus goes where the page begins, so that keyboard and screen reader go on from there; `/` has it in the search.
function arrive() {
  scrollTo(0, 0);
  /** @type {HTMLElement} */
  const title = document.querySelector("main h1");
  /** @type {HTMLElement} */
  const main = document.querySelector("main");
  if (title) title.tabIndex = -1;
  if (arrived && !document.activeElement?.matches("main input")) (title || main)?.focus({ preventScroll: true });
  arrived = true;
}

function Tab({ page, now, href, children }) {
  return html`<a href=${href} aria-current=${page === now ? "page" : undefined}>${children}</a>`;
}

function Live({ problem }) {
  return html`<span class="live ${problem ? "bad" : "good"}" role="status" title=${problem ? problem.message : "what happens is shown as it happens"}>${problem ? "not connected" : "live"}</span>`;
}

function Theme() {
  const [theme, setTheme] = useState(localStorage.getItem("theme") || "");
  const next = () => {
    const names = Object.keys(THEMES);
    const chosen = names[(names.indexOf(theme) + 1) % names.length];
    if (chosen) document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
    localStorage.setItem("theme", chosen);
    setTheme(chosen);
  };
  return html`<button type="button" class="plain theme" onClick=${next} title="theme" aria-label="theme: ${theme || "auto"}">${THEMES[theme]}</button>`;
}

function Foot({ tick }) {
  const { value } = useAnswer(() => get("state"), ["state"], tick);
  if (!value) return html`<footer></footer>`;
  return html`<footer class="quiet">
    <span>${count(value.reports, "report")} kept${value.oldest ? html` since <${Time} at=${value.oldest} />` : ""} (${bytes(value.bytes)})</span>
    <span>${value.sweep ? html`swept <${Time} at=${value.sweep.time} />${value.sweep.resources !== null && `: ${count(value.sweep.resources, "resource")}, ${value.sweep.diverging} not as ${value.sweep.diverging === 1 ? "it" : "they"} should be`}` : "no sweep yet"}</span>
    <span>version ${value.version}</span>
  </footer>`;
}

function App() {
  const [gate, setGate] = useState({ closed: false, problem: "" });
  const leave = (problem) => {
    signOut();
    setGate({ closed: true, problem });
  };
  if (gate.closed) return html`<${SignIn} problem=${gate.problem} done=${() => setGate({ closed: false, problem: "" })} />`;
  return html`<${Console} leave=${leave} />`;
}

render(html`<${App} />`, document.getElementById("app"));
