// Why a resource is not Ready: the sentences of its conditions, the worst first, and what to do next.

import { html } from "./vendor/preact.js";
import { CLOSED, OPEN } from "./catalogue.js";
import { count, toTrace } from "./format.js";
import { Code, Prose, Sign } from "./parts.js";
import { REASONS } from "./reasons.js";

export const isOpen = (state) => !CLOSED.includes(state.name);

const TITLES = { warning: "Ready, but", waiting: "Why it waits", unreported: "Why it is not ready yet" };

export function Why({ resource, letters, trace, others }) {
  const { state, object, deleting } = resource;
  const undelivered = (letters || []).filter(({ event }) => ["kind", "namespace", "name"].every((key) => event.object[key] === object[key]));
  if (!isOpen(state) && !undelivered.length) return null;
  // Nobody writes the conditions of what is being deleted any more: what holds it is in its state.
  const open = deleting ? [] : conditions(resource);
  const title = deleting ? "Why it is still there" : TITLES[state.name] || "Why it is not ready";
  return html`<section class="why ${isOpen(state) ? state.name : "warning"}" aria-labelledby="why">
    <h2 id="why">${isOpen(state) ? title : TITLES.warning}</h2>
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
    <${Next} resource=${resource} trace=${trace} others=${others} />
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

// In the message of a condition: others set fields, which may be why pods are not ready (`operands/pod_trouble.py`).
const OTHERS_SET = "(others set ";

// What to do, as the condition that decides says it: each command stands with the words that go with it.
function Next({ resource, trace, others }) {
  const { object, state, deleting } = resource;
  const called = object.namespace ? `${object.name} -n ${object.namespace}` : `${object.kind}/${object.name}`;
  const removals = state.message.includes(OTHERS_SET) ? (others?.foreign || []).filter((one) => one.remove) : [];
  const silent = !deleting && (state.name === "unreported" || state.reason === "Reconciling");
  const commands = [[`kubectl kepler explain ${called}`, "reads pods, Events and nodes as well, by your rights, and says what to do"]];
  if (silent) commands.push([`kubectl kepler resync ${called} --wait`, "requests that every function reconciles it again, if an event was lost"]);
  return html`<h3>Next</h3>
    <ul class="steps">
      ${removals.map((one) => html`<li key=${one.remove}>if <code>${one.path}</code> of ${one.object.kind} ${one.object.name} should not be there: <${Code} text=${one.remove} /></li>`)}
      ${state.step && html`<li class="message"><${Prose} text=${state.step} /></li>`}
      ${commands.map(([command, does]) => html`<li key=${command}><${Code} text=${command} /> <span class="quiet">${does}</span></li>`)}
      ${trace && html`<li><a href=${toTrace(trace)}>trace of the last change</a> <span class="quiet">what each function did about it, and what the end waited for</span></li>`}
    </ul>`;
}
