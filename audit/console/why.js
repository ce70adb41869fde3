// Why a resource is not Ready: the sentences of its conditions, the worst first, and what to do next.

import { html } from "./vendor/preact.js";
import { CLOSED, OPEN } from "./catalogue.js";
import { count, toTrace } from "./format.js";
import { Prose, Sign } from "./parts.js";
import { REASONS } from "./reasons.js";

export const isOpen = (state) => !CLOSED.includes(state.name);

const TITLES = { warning: "Ready, but", waiting: "Why it waits", unreported: "Why it is not ready yet" };

export function Why({ resource, letters, trace }) {
  const { state, object } = resource;
  const undelivered = (letters || []).filter(({ event }) => ["kind", "namespace", "name"].every((key) => event.object[key] === object[key]));
  if (!isOpen(state) && !undelivered.length) return null;
  const open = conditions(resource);
  return html`<section class="why ${isOpen(state) ? state.name : "warning"}" aria-labelledby="why">
    <h2 id="why">${isOpen(state) ? TITLES[state.name] || "Why it is not ready" : TITLES.warning}</h2>
    ${!open.length && isOpen(state) && html`<p class="message"><${Prose} text=${state.message} /></p>`}
    ${open.length > 0 &&
    html`<ul>
      ${open.map(
        (one) => html`<li key=${one.type}>
          <${Sign} of=${one.level} text=${one.level === "stale" ? "no report yet" : one.reason} />
          <strong>${one.type}</strong>
          <span class="message"><${Prose} text=${one.level === "stale" ? `no report on generation ${resource.generation} yet` : one.message} /></span>
          ${one.level !== "stale" && html`<${Explained} reason=${one.reason} />`}
        </li>`,
      )}
    </ul>`}
    ${undelivered.length > 0 && html`<p>${count(undelivered.length, "event")} about it could not be delivered: <a href="#/letters">dead letters</a></p>`}
    <${Next} resource=${resource} open=${open} trace=${trace} />
  </section>`;
}

// What a reason means wherever it occurs, and what to do: the entry of `docs/troubleshooting.md`.
function Explained({ reason }) {
  const entry = REASONS[reason];
  if (!entry) return null;
  return html`<details class="explained">
    <summary>what ${reason} means</summary>
    <p><${Prose} text=${entry.means} /></p>
    <p><b>What to do:</b> <${Prose} text=${entry.step} /></p>
  </details>`;
}

// Those that are open, first the one that `Ready` repeats. That sums them up, so it is only shown where it is alone.
function conditions(resource) {
  const rank = (one) => (one.reason === resource.state.reason && one.message === resource.state.message ? -1 : OPEN.indexOf(one.level));
  const open = resource.conditions.filter((one) => OPEN.includes(one.level)).sort((one, other) => rank(one) - rank(other));
  const parts = open.filter((one) => one.type !== "Ready");
  return parts.length ? parts : open;
}

// A command in a sentence stands after a colon or between back-quotes.
const COMMAND = /(?:: |`)(kubectl [^;`]+?)(?=[;`]|, |\. |\.?$)/g;
// Of these it matters in which namespace one is.
const WITHIN = /^kubectl (get|describe|logs|delete|edit|patch|rollout|exec|annotate|top) /;

// The commands that a condition names, as they work from any namespace.
export function commands(message, namespace) {
  const found = [...message.matchAll(COMMAND)].map((one) => one[1].trim());
  const placed = (one) => (namespace && WITHIN.test(one) && !/ (-n|-A|--namespace|--all-namespaces)\b/.test(one) ? one.replace(/^kubectl /, `kubectl -n ${namespace} `) : one);
  return found.map(placed);
}

function Next({ resource, open, trace }) {
  const { object } = resource;
  const called = object.namespace ? `${object.name} -n ${object.namespace}` : `${object.kind}/${object.name}`;
  const told = open.filter((one) => one.level !== "stale").flatMap((one) => commands(one.message, object.namespace));
  const steps = [...new Set(told)].map((one) => [one, ""]);
  steps.push([`kubectl kepler explain ${called}`, "reads pods, Events and nodes as well, by your rights, and says what to do"]);
  if (open.some((one) => one.level === "stale") || !resource.conditions.length) steps.push([`kubectl kepler resync ${called} --wait`, "requests that every function reconciles it again, if an event was lost"]);
  return html`<h3>Next</h3>
    <ul class="steps">
      ${steps.map(([command, does]) => html`<li key=${command}><code>${command}</code>${does && html` <span class="quiet">${does}</span>`}</li>`)}
      ${trace && html`<li><a href=${toTrace(trace)}>trace of the last change</a> <span class="quiet">what each function did about it, and what the end waited for</span></li>`}
    </ul>`;
}
