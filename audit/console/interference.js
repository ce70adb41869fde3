// What others do to the children of a resource: fields that are fought over, and fields that others own.
// `cli/timeline/sentences.py` has the same words.

import { html } from "./vendor/preact.js";
import { get, query, useAnswer } from "./api.js";
import { named, second, value } from "./format.js";
import { Code } from "./parts.js";

const END_OF_FIGHT = "stop whatever changes it, or have it leave this field alone; what you want to keep, set in the resource";
// Characters of a value in a sentence.
const LONGEST = 120;

// What others do to the children of a resource; nothing before it is read, or where there is no such resource (`exists`).
// `tick` moves when there is something new.
export function useInterference(wanted, exists, tick) {
  const load = () => (exists ? get(`interference${query(wanted)}`) : Promise.resolve(null));
  return useAnswer(load, ["interference", wanted, exists], tick).value;
}

// Nothing where others leave the children alone.
export function Interference({ found }) {
  if (!found || (!found.fights.length && !found.foreign.length && !found.unread.length)) return null;
  return html`<section class="why warning" aria-labelledby="interference">
    <h2 id="interference">What others changed</h2>
    <ul>
      ${found.fights.map((one) => html`<li key=${`fight ${one.object.kind} ${one.object.name} ${one.path}`}><span class="message"><${Fight} fight=${one} /></span> <span class="quiet">${END_OF_FIGHT}</span></li>`)}
      ${found.foreign.map((one) => html`<li key=${`${one.object.kind} ${one.object.name} ${one.path}`}><span class="message"><${ForeignField} field=${one} /></span></li>`)}
    </ul>
    ${found.unread.length > 0 && html`<p class="quiet">not read, since <code>audit</code> may not: ${found.unread.join(", ")}</p>`}
    <${Removals} fields=${found.foreign.filter((one) => one.remove)} />
  </section>`;
}

const about = (object) => `${object.kind} ${named(object)}`;

function ForeignField({ field }) {
  const who = html`${field.by && html` by <strong>${field.by}</strong>`}${field.time && `, ${second(field.time)}`}`;
  if (field.restart) return html`${about(field.object)}: its pods were restarted${who}`;
  return html`${about(field.object)}: <code>${field.path}</code> is ${quoted(field.value)}, set${who}; no function sets this field, so it stays`;
}

function Fight({ fight }) {
  const times = `${fight.count} times since ${second(fight.since)}, last at ${second(fight.last)}`;
  if (!fight.path) return html`${about(fight.object)}: <strong>${fight.function}</strong> created it again ${times}, since it was deleted each time (Kubernetes does not record by whom)`;
  return html`${about(fight.object)}: <strong>${fight.function}</strong> put <code>${fight.path}</code> back ${times}, since <strong>${fight.others.join(" and ") || "somebody else"}</strong> changed it each time`;
}

function quoted(content) {
  const text = value(content);
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
  return content !== null && typeof content === "object" ? shown : `'${shown}'`;
}

function Removals({ fields }) {
  if (!fields.length) return null;
  return html`<details>
    <summary>how to remove what should not be there</summary>
    <ul class="steps">
      ${fields.map((one) => html`<li key=${one.remove}><${Code} text=${one.remove} /></li>`)}
    </ul>
  </details>`;
}
