// What every page is made of.

import { html, useEffect, useState } from "./vendor/preact.js";
import { NEUTRAL, WARNING } from "./catalogue.js";
import { ago, count, moment, named, toResource, value } from "./format.js";

// The outcome of a reconcile, how a resource or a condition stands, in one look: a word, a sign, a colour.
const SIGNS = {
  True: ["good", "✓", "True"],
  False: ["bad", "✕", "False"],
  Unknown: ["wait", "◷", "Unknown"],
  converged: ["good", "✓", "converged"],
  rejected: ["bad", "✕", "rejected"],
  waiting: ["wait", "◷", "waiting"],
  failed: ["bad", "✕", "not ready"],
  warning: ["warn", "⚠", "warning"],
  good: ["good", "✓", "good"],
  ready: ["good", "✓", "ready"],
  neutral: ["none", "–", "off"],
};
const NOTHING = ["none", "–", "not reported"];

// How a report is to be looked at: by its outcome, or by the reason where that says more.
export function lookOf(status, reason) {
  if (status !== "True" && status !== "converged") return status;
  if (NEUTRAL.includes(reason)) return "neutral";
  return WARNING.includes(reason) ? "warning" : status;
}

export function Sign({ of, text }) {
  const [kind, sign, word] = SIGNS[of] || NOTHING;
  return html`<span class="sign ${kind}"><span aria-hidden="true">${sign}</span> ${text || word}</span>`;
}

// How a resource stands: one that is ready and has a warning is both.
export function StateSign({ state, otherwise = "" }) {
  const reason = state.reason || otherwise;
  return html`<${Sign} of=${state.name} text=${state.name === "warning" ? `Ready, ${reason}` : reason} />`;
}

export const signKind = (of) => (SIGNS[of] || NOTHING)[0];

// One timer for all ages on a page; it rests while nobody sees them.
const clocks = new Set();
let timer;

function everySecond(clock) {
  clocks.add(clock);
  timer ??= setInterval(() => document.visibilityState !== "hidden" && clocks.forEach((each) => each()), 1000);
  return () => {
    clocks.delete(clock);
    if (clocks.size) return;
    clearInterval(timer);
    timer = undefined;
  };
}

// A time, as its age, which grows while one looks. It is drawn again only if another text is to be shown.
export function Time({ at }) {
  const [, show] = useState("");
  useEffect(() => (at ? everySecond(() => show(ago(at))) : undefined), [at]);
  if (!at) return html`<span class="quiet">unknown</span>`;
  return html`<time datetime=${at} title=${moment(at)}>${ago(at)}</time>`;
}

export function ResourceName({ object, kind = true }) {
  return html`<a class="name" href=${toResource(object)}>${kind && html`<span class="kind">${object.kind}</span> `}${named(object)}</a>`;
}

export function Alert({ problem }) {
  return problem ? html`<p class="alert" role="alert">${problem.message}</p>` : null;
}

export function Empty({ children }) {
  return html`<p class="empty">${children}</p>`;
}

export function Loading() {
  return html`<p class="empty" aria-busy="true">loading …</p>`;
}

// Fields as they were and as they are, a line each.
export function Diff({ fields, by }) {
  if (!fields.length) return null;
  return html`<div class="scroll">
    <table class="diff">
      <thead class="narrow-hidden">
        <tr><th scope="col">field</th><th scope="col">before</th><th scope="col">after</th></tr>
      </thead>
      <tbody>
        ${fields.map(
          (field) => html`<tr key=${field.path}>
            <th scope="row"><code>${field.path || "(all)"}</code></th>
            <td class="before"><${Value} content=${field.before} sign="−" label="before" /></td>
            <td class="after"><${Value} content=${field.after} sign="+" label="after" /></td>
          </tr>`,
        )}
      </tbody>
    </table>
    ${by && html`<p class="quiet by">by ${by}</p>`}
  </div>`;
}

// Who made an edit, and how that is known. Kubernetes does not record who deletes an object.
export function Author({ edit }) {
  if (!edit) return null;
  const happened = edit.deleted ? "deleted (Kubernetes does not record by whom)" : edit.first ? "as first seen" : "edited";
  return html`<span class="who">${happened}${edit.by ? html` by <strong>${edit.by}</strong>` : ""}${!edit.verified && html`, <span class="unverified" title=${UNVERIFIED}>according to an event</span>`}</span>`;
}

const UNVERIFIED = "It could not be read from the API server any more. Anybody who reaches the Broker can send an event.";

// What an edit of a resource changed; what was there when it was first seen is no change.
export function Edited({ edit }) {
  if (!edit || edit.first) return null;
  if (edit.hidden) return html`<p class="quiet">Only values that are hidden here are others than before.</p>`;
  return html`<${Diff} fields=${edit.fields} />`;
}

const LONG = 160;

function Value({ content, sign, label }) {
  const text = value(content);
  if (content === null || content === undefined) return html`<span class="quiet">${label === "before" ? "not set" : "removed"}</span>`;
  if (text === "") return html`<code><span aria-hidden="true">${sign} </span>""</code>`;
  if (text.length <= LONG) return html`<code><span aria-hidden="true">${sign} </span>${text}</code>`;
  return html`<details>
    <summary><code>${sign} ${text.slice(0, LONG)}…</code></summary>
    <pre>${typeof content === "string" ? content : JSON.stringify(content, null, 2)}</pre>
  </details>`;
}

// A sentence of a function: fields and commands in it stand between back-quotes.
export function Prose({ text }) {
  return (text || "").split("`").map((part, place) => (place % 2 ? html`<${Code} text=${part} />` : part));
}

// Words of a command or field of so many characters are kept in one line; longer ones would not fit into a narrow page.
const KEPT = 24;

// A command or a field, without a line break within an option such as `--all`.
export function Code({ text }) {
  const parts = text.split(/(\s+)/).map((part) => (part.includes("-") && part.length <= KEPT ? html`<span class="unbroken">${part}</span>` : part));
  return html`<code>${parts}</code>`;
}

// What a reconcile wrote, in a phrase; that it said so on the resource itself, only where that is all.
export function wrote(summary) {
  if (!summary.changes.length) return "wrote nothing";
  const others = summary.changes.filter((one) => one.action !== "reported");
  if (!others.length) return summary.condition?.message || "reported";
  const told = new Map();
  for (const one of others) {
    const key = `${one.object.kind} ${one.object.name} ${one.action}`;
    told.set(key, (told.get(key) || 0) + one.fields);
  }
  return [...told].map(([key, fields]) => (fields ? `${key} (${count(fields, "field")})` : key)).join(", ");
}

export function Nodes({ nodes }) {
  if (!nodes) return html`<span class="quiet">–</span>`;
  if (!nodes.desired) return html`<span class="quiet">none</span>`;
  const part = nodes.available / nodes.desired;
  const told = `${nodes.available} of ${count(nodes.desired, "node")} available, ${nodes.updated} up to date`;
  return html`<span class="nodes" title=${told}>
    <span class="bar" aria-hidden="true"><span class=${part === 1 ? "all" : ""} style=${{ width: `${part * 100}%` }}></span></span>
    <span>${nodes.available}/${nodes.desired}<span class="unseen"> nodes available</span></span>
    ${nodes.updated < nodes.desired && html` <span class="quiet">${nodes.updated} up to date</span>`}
  </span>`;
}

// Asks for more when the end of a list comes into view; a button for those who do not scroll.
export function More({ next, busy, more, label = "show older" }) {
  const [place, setPlace] = useState(null);
  useEffect(() => {
    if (!place || !next) return undefined;
    const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && more(), { rootMargin: "600px" });
    watcher.observe(place);
    return () => watcher.disconnect();
  }, [place, next, more, busy]);
  if (!next) return null;
  return html`<p class="more" ref=${setPlace}><button type="button" onClick=${more} disabled=${busy}>${busy ? "loading …" : label}</button></p>`;
}
