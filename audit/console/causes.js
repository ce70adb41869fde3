// Why an episode began, in a sentence: what was put back, and who had changed it. `cli/timeline/sentences.py` has the same words.

import { html } from "./vendor/preact.js";
import { count, named, second } from "./format.js";

const isSame = (one, other) => one && other && one.kind === other.kind && one.namespace === other.namespace && one.name === other.name;

// The sentence of one episode; nothing for an edit, which has a heading of its own.
export function Caused({ cause }) {
  if (cause.kind === "edit") return null;
  return html`<p class="caused">${SENTENCES[cause.kind](cause)}<${Written} cause=${cause} /></p>`;
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
