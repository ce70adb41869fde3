// One resource: how it stands, and why; and its history, a change at a time.

import { html, useRef, useState } from "./vendor/preact.js";
import { get, query, useAnswer, usePages } from "./api.js";
import { Caused, Lately } from "./causes.js";
import { count, duration, moment, named, toActivity, toTrace, words } from "./format.js";
import { Alert, Author, Diff, Edited, Empty, Loading, lookOf, More, Nodes, Prose, Sign, StateSign, Time, wrote } from "./parts.js";
import { Interference, useInterference } from "./interference.js";
import { isOpen, Why } from "./why.js";

const PAGE = 20;

// A resource that is not there. `deleted` says that it was: what is kept of it may also be read before the resource is.
function Gone({ deleted, known }) {
  const message = deleted ? "there is no such resource any more" : "there is no such resource";
  const rest = known ? "; what was done about it is below" : deleted ? "" : ", and nothing is kept of one";
  return html`<p><${Sign} of="" text=${deleted ? "deleted" : "not found"} /> <span class="message">${message}${rest}</span></p>`;
}

export function Resource({ kind, namespace, name, letters, tick }) {
  const wanted = { kind, namespace, name };
  const { value, problem } = useAnswer(() => get(`resources${query(wanted)}`), ["resource", wanted], tick);
  const history = usePages("history", { ...wanted, limit: PAGE }, tick, (one) => `${one.object.uid}/${one.generation}`);
  const resource = value?.items.find(({ object }) => object.kind === kind && object.namespace === namespace && object.name === name);
  const shown = useRef(false);
  shown.current ||= Boolean(resource);
  const others = useInterference(wanted, Boolean(resource), tick);
  return html`
    <header class="page">
      <p class="crumbs"><a href="#/">Resources</a> <span aria-hidden="true">›</span> ${kind}</p>
      <h1>${named(wanted)}</h1>
      ${resource && html`<${State} resource=${resource} />`}
      ${resource && html`<${Lately} change=${history.items?.[0]} />`}
      ${value && !resource && history.items && html`<${Gone} deleted=${shown.current || Boolean(history.items[0]?.edit?.deleted)} known=${history.items.length > 0} />`}
    </header>
    <${Alert} problem=${problem || history.problem} />
    ${resource && html`<${Why} resource=${resource} letters=${letters} trace=${history.items?.[0]?.trace} others=${others} />`}
    ${resource && html`<${Interference} found=${others} />`}
    ${resource?.conditions.length > 0 && html`<${Conditions} resource=${resource} />`}
    <section>
      <div class="heading">
        <h2>History</h2>
        <a href=${toActivity(wanted)}>all its reports</a>
      </div>
      ${history.items === null
        ? html`<${Loading} />`
        : history.items.length === 0
          ? html`<${Empty}>Nothing is kept of it: no function has had anything to do since this history began.<//>`
          : html`<ol class="changes">
              ${history.items.map((one) => html`<${Change} key=${`${one.object.uid}/${one.generation}`} change=${one} />`)}
            </ol>`}
      <${More} ...${history} />
    </section>
  `;
}

function State({ resource }) {
  const { state } = resource;
  return html`<p class="state">
      <${StateSign} state=${state} /> ${!isOpen(state) && html`<span class="message"><${Prose} text=${state.message} /></span>`}
    </p>
    <dl class="facts">
      <div><dt>nodes</dt><dd><${Nodes} nodes=${resource.nodes} /></dd></div>
      <div><dt>generation</dt><dd>${resource.generation}</dd></div>
      <div><dt>created</dt><dd><${Time} at=${resource.created} /></dd></div>
      ${state.since && html`<div><dt>so since</dt><dd><${Time} at=${state.since} /></dd></div>`}
    </dl>`;
}

function Conditions({ resource }) {
  return html`<details class="conditions">
    <summary>${count(resource.conditions.length, "condition")}</summary>
    <table class="rows">
      <thead>
        <tr><th scope="col">Condition</th><th scope="col">Status</th><th scope="col">Message</th><th scope="col">Since</th></tr>
      </thead>
      <tbody>
        ${resource.conditions.map(
          (one) => html`<tr key=${one.type}>
            <th scope="row">${one.type}</th>
            <td><${Sign} of=${one.level} text=${one.reason} /></td>
            <td class="message"><${Prose} text=${one.message} />${one.current === false && html` <span class="quiet">(earlier generation)</span>`}</td>
            <td data-label="since"><${Time} at=${one.since} /></td>
          </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}

// A function that is woken again by what others write says again what is wrong: of the same words the first is shown.
function told(reports) {
  const known = new Set();
  return reports.filter((one) => {
    const words = `${one.function} ${one.condition?.message}`;
    const repeats = !one.changes.length && known.has(words);
    known.add(words);
    return !repeats;
  });
}

function Change({ change }) {
  const { edit } = change;
  const reports = told(change.reports);
  const repeated = change.reports.length - reports.length;
  const functions = new Set(reports.map((one) => one.function)).size;
  const matter = mattering(reports);
  return html`<li class="change" data-row>
    <div class="heading">
      <h3>
        Generation ${change.generation}
        ${edit && html` <${Author} edit=${edit} />`}
      </h3>
      <span><${Time} at=${change.began} /> · <a href=${toTrace(change.trace)}>trace</a></span>
    </div>
    <${Edited} edit=${edit} />
    ${edit?.first && edit.fields.length > 0 && html`<details class="first"><summary>the whole spec (${count(edit.fields.length, "field")})</summary><${Diff} fields=${edit.fields} /></details>`}
    ${reports.length > 0 && html`<p class="quiet">${change.more ? "the newest " : ""}${count(reports.length, "report")} of ${count(functions, "function")}${repeated > 0 && `, and ${repeated} more that said the same again`}</p>`}
    ${change.episodes.map((one) => html`<${Episode} key=${one.reports[0]} episode=${one} reports=${reports.filter(({ id }) => one.reports.includes(id))} matter=${matter} />`)}
  </li>`;
}

// The reports of a generation that are shown at once: those that changed something, moved `Ready`, or are the last word
// of a function that has not converged.
function mattering(reports) {
  const last = new Map(reports.map((one) => [one.function, one.id]));
  const matters = (one) =>
    one.changes.some(({ action }) => action !== "reported") || one.type.includes(".status.changed.") || (one.outcome !== "converged" && last.get(one.function) === one.id);
  return new Set(reports.filter(matters).map(({ id }) => id));
}

// What happened together, under its cause; nothing where it was only said again what was said before.
function Episode({ episode, reports, matter }) {
  if (!reports.length) return null;
  const shown = reports.filter(({ id }) => matter.has(id));
  const folded = reports.filter(({ id }) => !matter.has(id));
  const functions = [...new Set(folded.map((one) => words(one.function)))];
  const list = (some) => html`<ul class="reports">${some.map((one) => html`<${Report} key=${one.id} summary=${one} />`)}</ul>`;
  return html`<${Caused} cause=${episode.cause} />
    ${shown.length > 0 && list(shown)}
    ${folded.length > 0 &&
    html`<details class="unchanged">
      <summary>${count(folded.length, "report")} that changed nothing: ${functions.join(", ")}</summary>
      ${list(folded)}
    </details>`}`;
}

// One report, in a line; opened, what it changed and why.
export function Report({ summary, of = false, children = null }) {
  const [open, setOpen] = useState(false);
  const condition = summary.condition;
  const told = summary.changes.length || !condition ? wrote(summary) : condition.message;
  return html`<li class="report">
    <details onToggle=${(event) => setOpen(event.target.open)}>
      <summary>
        <${Outcome} summary=${summary} />
        <strong class="function">${words(summary.function)}</strong>
        ${children}
        <span class="told" title=${told}><${Prose} text=${told} /></span>
        <span class="numbers">${of ? html`<${Time} at=${summary.began} />` : html`<time datetime=${summary.began} title=${moment(summary.began)}>${duration(summary.milliseconds)}</time>`}</span>
      </summary>
      ${open && html`<${Full} summary=${summary} />`}
    </details>
  </li>`;
}

// The outcome, or what the condition says by its reason: that nothing is wanted, or that something is left undone.
function Outcome({ summary }) {
  const look = lookOf(summary.outcome, summary.condition?.reason);
  return html`<${Sign} of=${look} text=${look === summary.outcome ? "" : summary.condition.reason} />`;
}

function Full({ summary }) {
  const { value, problem } = useAnswer(() => get(`reports/${encodeURIComponent(summary.id)}`), [summary.id], 0);
  if (!value) return problem ? html`<${Alert} problem=${problem} />` : html`<${Loading} />`;
  const report = value.report;
  const by = `kepler-${report.function.replaceAll("_", "-")}`;
  return html`<div class="full">
    ${report.conditions.map((one) => html`<p key=${one.type}><${Sign} of=${lookOf(one.status, one.reason)} text=${one.reason} /> <strong>${one.type}</strong> <span class="message"><${Prose} text=${one.message} /></span></p>`)}
    <p class="quiet"><${Because} cause=${report.cause} /> It took ${duration(report.milliseconds)}, ${count(report.calls.length, "API call")}${report.rounds > 1 ? `, ${report.rounds} rounds` : ""}. <a href=${toTrace(report.trace)}>Trace</a></p>
    ${report.changes.map(
      (one, place) => html`<section key=${place} class="wrote">
        <h4>${one.object.kind} ${named(one.object)} <span class="action ${one.action}">${one.action}</span></h4>
        <${Diff} fields=${one.fields} by=${place === report.changes.length - 1 ? by : ""} />
      </section>`,
    )}
  </div>`;
}

const HAPPENED = { add: "was created", update: "was changed", delete: "was deleted" };

// Which event woke the function, in a sentence.
export function Because({ cause }) {
  const kind = cause.type.split(".").pop();
  const about = cause.object ? `${cause.object.kind} ${named(cause.object)}` : cause.subject;
  if (cause.type.startsWith("dev.knative.apiserver.resource.")) {
    const who = kind === "delete" ? "" : cause.by ? html` by <strong>${cause.by}</strong>` : kind === "update" ? " by an unknown writer" : "";
    return html`<span>Because ${about} ${HAPPENED[kind]}${cause.generation ? ` (generation ${cause.generation})` : ""}${who}.</span>`;
  }
  if (cause.type.endsWith("resync.requested.v1")) return html`<span>Because ${cause.source.split("/").pop()} requested a resync of ${about}.</span>`;
  return html`<span>Because of event ${cause.type} (${about}).</span>`;
}
