// One change across all functions: how long each event was on its way, what each reconcile asked, and what the end waited for.

import { html, useState } from "./vendor/preact.js";
import { get, useAnswer } from "./api.js";
import { bars, steps } from "./scale.js";
import { Caused } from "./causes.js";
import { clock, count, duration, moment, named, second, words } from "./format.js";
import { Alert, Author, Diff, Edited, Empty, Loading, Prose, ResourceName, Sign, signKind } from "./parts.js";
import { Because } from "./resource.js";

export function Trace({ trace, tick }) {
  const { value, problem } = useAnswer(() => get(`traces/${encodeURIComponent(trace)}`), ["trace", trace], tick);
  if (!value) return html`<header class="page"><h1 key="title">Trace</h1></header>${problem ? html`<${Alert} problem=${problem} />` : html`<${Loading} />`}`;
  const { edit, episodes } = value;
  const kept = new Map(value.reports.map((one) => [one.id, one]));
  return html`
    <header class="page">
      <p class="crumbs"><a href="#/">Resources</a> <span aria-hidden="true">›</span> <${ResourceName} object=${value.object} /></p>
      <h1 key="title">Trace of generation ${value.generation}</h1>
      <p class="quiet"><code>${value.trace}</code></p>
      ${edit && html`<p><${Author} edit=${edit} />, ${second(edit.time)}</p>`}
      <${Edited} edit=${edit} />
    </header>
    <${Alert} problem=${problem} />
    ${value.more && html`<p class="quiet">Only the newest ${count(value.reports.length, "report")} of it: there are more.</p>`}
    ${episodes.length === 0 && html`<${Empty}>No function has reported on this generation.<//>`}
    ${episodes.map((one, place) => html`<${Episode} key=${one.began} episode=${one} kept=${kept} number=${episodes.length > 1 ? place + 1 : 0} />`)}
    ${episodes.length > 0 && html`<${Legend} />`}
  `;
}

function Episode({ episode, kept, number }) {
  const length = episode.milliseconds;
  const reports = episode.reports.map((id) => kept.get(id));
  const calls = reports.reduce((sum, one) => sum + one.report.calls.length, 0);
  return html`<section class="episode">
    <h2>${number ? `${number}. ` : ""}${moment(episode.began)}</h2>
    <${Caused} cause=${episode.cause} />
    <p class="quiet">${duration(length)} from the first event to the last word, ${count(reports.length, "reconcile")}, ${count(calls, "API call")}</p>
    <div class="waterfall">
      <div class="scale" aria-hidden="true">
        ${steps(length).map((at) => html`<span key=${at} style=${{ left: `${(at / Math.max(1, length)) * 100}%` }}>${duration(at)}</span>`)}
      </div>
      <ol>
        ${reports.map((one) => html`<${Line} key=${one.id} kept=${one} episode=${episode} />`)}
      </ol>
    </div>
  </section>`;
}

function Line({ kept, episode }) {
  const [open, setOpen] = useState(false);
  const { report } = kept;
  const { hop, reconcile, calls } = bars(report, episode);
  const waited = episode.awaited.includes(kept.id);
  const told = `${words(report.function)}: ${report.outcome}; its event was ${duration(hop.milliseconds)} on the way, the reconcile took ${duration(report.milliseconds)}${waited ? "; the end waited for it" : ""}`;
  return html`<li data-row>
    <button type="button" class="line ${waited ? "critical" : ""}" aria-expanded=${open} aria-label=${told} title=${told} onClick=${() => setOpen(!open)}>
      <span class="function">${waited && html`<span aria-hidden="true" class="star">●</span>`}${words(report.function)}</span>
      <span class="track" aria-hidden="true">
        <span class="hop" style=${place(hop)}></span>
        <span class="reconcile ${signKind(report.outcome)}" style=${place(reconcile)}></span>
        ${calls.map((one, number) => html`<span key=${number} class="call ${failed(one.call) ? "bad" : ""}" style=${place(one)}></span>`)}
      </span>
      <span class="took">${duration(report.milliseconds)}</span>
    </button>
    ${open && html`<${Calls} kept=${kept} calls=${calls} />`}
  </li>`;
}

function Calls({ kept, calls }) {
  const { report } = kept;
  return html`<div class="calls">
    <p><${Sign} of=${report.outcome} /> <span class="message"><${Prose} text=${report.conditions[0]?.message} /></span></p>
    <p class="quiet"><${Because} cause=${report.cause} /> Began ${clock(report.began)}${report.rounds > 1 ? `, ${report.rounds} rounds` : ""}.</p>
    <ol>
      ${calls.map(
        (one, number) => html`<li key=${number}>
          <code class="verb ${one.call.verb === "GET" ? "" : "writes"}">${one.call.verb}</code>
          <code class="path" title=${one.call.path}>${shortened(one.call.path)}</code>
          <span class=${failed(one.call) ? "bad" : "quiet"}>${one.call.status || "no answer"}</span>
          <span class="track" aria-hidden="true"><span class="call ${failed(one.call) ? "bad" : ""}" style=${within(one.call, report)}></span></span>
          <span class="took">${duration(one.call.milliseconds)}</span>
        </li>`,
      )}
    </ol>
    ${report.changes.map(
      (one, number) => html`<details key=${number}>
        <summary>${one.object.kind} ${named(one.object)} <span class="action ${one.action}">${one.action}</span> ${one.fields.length > 0 && count(one.fields.length, "field")}</summary>
        <${Diff} fields=${one.fields} />
      </details>`,
    )}
  </div>`;
}

// Which object a request was for, without the way to it.
const shortened = (path) => path.replace(/^\/(api|apis\/[^/]+)\/[^/]+\//, "").replace(/^namespaces\/[^/]+\//, "");

// Absent is an answer, and so is a lock that did not hold; neither is a fault.
const failed = (call) => call.status === 0 || (call.status >= 400 && call.status !== 404 && call.status !== 409);

const place = ({ left, width }) => ({ left: `${left * 100}%`, width: `max(2px, ${width * 100}%)` });

const within = (call, report) =>
  place({ left: call.began / Math.max(1, report.milliseconds), width: call.milliseconds / Math.max(1, report.milliseconds) });

function Legend() {
  return html`<p class="legend quiet" aria-hidden="true">
    <span class="swatch hop"></span> event on its way
    <span class="swatch reconcile good"></span> converged
    <span class="swatch reconcile wait"></span> waiting
    <span class="swatch reconcile bad"></span> rejected
    <span class="swatch call"></span> API call
    <span class="star">●</span> the end waited for it
  </p>`;
}
