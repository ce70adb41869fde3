// Why an episode began, in a sentence: what was put back, and who had changed it. `cli/timeline/sentences.py` has the same words.

import { html } from "./vendor/preact.js";
import { count, named, second, toTrace } from "./format.js";
import { Time } from "./parts.js";

const isSame = (one, other) => one && other && one.kind === other.kind && one.namespace === other.namespace && one.name === other.name;

// The sentence of one episode; nothing for an edit, which has a heading of its own.
export function Caused({ cause }) {
  if (cause.kind === "edit") return null;
  return html`<p class="caused"><${Sentence} cause=${cause} /></p>`;
}

function Sentence({ cause }) {
  return html`${SENTENCES[cause.kind](cause)}<${Written} cause=${cause} />`;
}

// For so many milliseconds the last episode of a generation in which something was put back or written stands at the top.
const LATELY = 3600000;

// What was written last without an edit of the resource, and why; nothing if that is long ago. It stands last in the
// history of a generation, which may be long.
export function Lately({ change }) {
  const last = change?.episodes.filter(({ cause }) => cause.kind !== "edit" && cause.written.length > 0).pop();
  if (!last || Date.now() - Date.parse(last.began) > LATELY) return null;
  return html`<p class="lately"><strong><${Time} at=${last.began} />:</strong> <${Sentence} cause=${last.cause} /> <a href=${toTrace(change.trace)}>trace</a></p>`;
}

const SENTENCES = { object: happened, event: happened, request: asked };

// Kubernetes records neither who deletes an object, nor who removes a field.
const UNNAMED = { deleted: " (Kubernetes does not record by whom)", changed: " by an unknown writer" };

function happened(cause) {
  const about = cause.object ? `${cause.object.kind} ${named(cause.object)}` : "something";
  const who = cause.by ? html` by <strong>${cause.by}</strong>` : UNNAMED[cause.action] || "";
  return html`${about} was ${cause.action || "touched"}${who}${cause.time && `, ${second(cause.time)}`}, according to an event`;
}

function asked(cause) {
  const who = cause.source.split("/").pop();
  if (who === "sweep") return html`The sweep found that it was not as it should be`;
  return html`<strong>${who}</strong> requested a resync${cause.time && `, ${second(cause.time)}`}`;
}

// What was put back is what the cause is about, unless it was deleted; the rest was written as well.
function Written({ cause }) {
  const restored = cause.written.filter((one) => one.action !== "deleted" && isSame(one.object, cause.object));
  const others = cause.written.filter((one) => !restored.includes(one));
  return html`${restored.length > 0 && html`; put back: ${list(restored, false)}`}${others.length > 0 && html`; written: ${list(others, true)}`}.`;
}

const list = (written, names) => written.map((one, place) => html`${place > 0 && ", "}${fields(one, names)}`);

function fields(one, names) {
  const about = names ? `${one.object.kind} ${one.object.name} ${one.action}` : one.action === "created" ? "the whole object" : "";
  const shown = one.action === "created" ? [] : one.paths.slice(0, 3);
  const more = one.fields - shown.length;
  return html`${about}${shown.length > 0 && html`${about && ": "}${shown.map((path, place) => html`${place > 0 && ", "}<code>${path}</code>`)}`}${shown.length > 0 && more > 0 && ` and ${count(more, "other field")}`}`;
}
