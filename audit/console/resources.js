// Every resource there is, what is wrong with it first: counts that filter, a search, a row for each.

import { html, useCallback, useEffect, useRef, useState } from "./vendor/preact.js";
import { get, query, useAnswer } from "./api.js";
import { causeIn, count, kindWords, named, toResource, toResources } from "./format.js";
import { Alert, Empty, Loading, More, Nodes, Prose, Sign, StateSign, Time } from "./parts.js";

// How many are shown at first, and how many more each time; the query API gives no more than `MOST` at once.
const PAGE = 100;
const MOST = 1000;
// Milliseconds after the last key until the search is made.
const PAUSE = 150;
const STATES = {
  failed: "not ready",
  waiting: "waiting",
  unreported: "no report",
  warning: "warning",
  ready: "ready",
  referenced: "read by others",
};

export function Resources({ wanted, tick }) {
  const { state = "", reason = "", search = "" } = wanted;
  const selected = { state, reason, search };
  const [limit, setLimit] = useState(PAGE);
  useEffect(() => setLimit(PAGE), [state, reason, search]);
  // What is shown stays until the answer to another search is there.
  const asked = query({ ...selected, limit });
  const load = () => get(`resources${asked}`).then((page) => ({ ...page, search }));
  const { value, problem } = useAnswer(load, ["resources"], `${tick} ${asked}`);
  const entered = useRef(null);
  useEffect(() => {
    if (entered.current === null || entered.current !== value?.search) return;
    entered.current = null;
    /** @type {HTMLElement} */
    const first = document.querySelector("main [data-row] a.name");
    first?.focus();
  });
  const [, refresh] = useState(null);
  const busy = Boolean(value?.next) && value.items.length < limit;
  const more = useCallback(() => busy || setLimit((shown) => Math.min(MOST, shown + PAGE)), [busy]);
  return html`
    <header class="page beside">
      <div>
        <h1>Resources</h1>
        <p class="quiet" role="status">${value && told(value, selected)}</p>
      </div>
      <${Search} selected=${selected} enter=${(text) => ((entered.current = text), refresh({}))} />
    </header>
    ${value && html`<${Counts} value=${value} selected=${selected} />`}
    <${Alert} problem=${problem} />
    ${value ? html`<${Table} value=${value} selected=${selected} />` : !problem && html`<${Loading} />`}
    ${value?.next &&
    (limit < MOST
      ? html`<${More} next=${value.next} busy=${busy} more=${more} label="show more" />`
      : html`<p class="quiet">Only the first ${count(MOST, "resource")}: narrow them down by the search or a count.</p>`)}
  `;
}

const sum = (numbers) => Object.values(numbers).reduce((all, one) => all + one, 0);

function told(value, selected) {
  const all = sum(value.states);
  if (Object.values(selected).some(Boolean)) return `${count(value.total, "resource")}${selected.state || selected.reason ? ` of ${all.toLocaleString()}` : ""} found`;
  const keplers = all - (value.states.referenced || 0);
  const ready = (value.states.ready || 0) + (value.states.warning || 0);
  return keplers ? `${ready.toLocaleString()} of ${keplers.toLocaleString()} ready` : "no Kepler yet";
}

// The address follows what is typed, without a new entry of the browser's history for each key.
function Search({ selected, enter }) {
  const [typed, setTyped] = useState(selected.search);
  const timer = useRef(0);
  // What was typed here is not put back to what the address has by now: more may have been typed since.
  const own = useRef(selected.search);
  useEffect(() => {
    if (selected.search !== own.current) setTyped(selected.search);
    own.current = selected.search;
  }, [selected.search]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const go = (search) => {
    clearTimeout(timer.current);
    own.current = search;
    if (search !== selected.search) location.replace(toResources({ ...selected, search }));
  };
  const changed = (event) => {
    const search = event.target.value;
    setTyped(search);
    enter(null);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => go(search.trim()), PAUSE);
  };
  // To the first that is found, once the answer is there.
  const entered = (event) => {
    event.preventDefault();
    go(typed.trim());
    enter(typed.trim());
  };
  return html`<form class="search" role="search" onSubmit=${entered}>
    <label>namespace or name
      <input type="search" name="search" value=${typed} placeholder="such as energy/kepler" maxlength="200" autocomplete="off" spellcheck="false" data-filter="true" onInput=${changed} />
    </label>
    ${Object.values(selected).some(Boolean) && html`<a class="clear" href="#/">clear</a>`}
  </form>`;
}

// What there is to choose from; what is chosen is taken back by a second click.
function Counts({ value, selected }) {
  const reasons = value.reasons.filter((one) => one.state !== "ready" && one.state !== "referenced" && (!selected.state || one.state === selected.state));
  const choice = (chosen) => toResources({ ...selected, ...chosen });
  return html`<nav class="counts" aria-label="by state and reason">
    <ul>
      ${Object.entries(value.states).map(
        ([state, number]) => html`<li key=${state}>
          <${Chip} on=${selected.state === state} href=${choice({ state: selected.state === state ? "" : state, reason: "" })}>
            <${Sign} of=${state} text=${STATES[state]} /> <span class="number">${number.toLocaleString()}</span>
          <//>
        </li>`,
      )}
    </ul>
    ${reasons.length > 0 &&
    html`<ul>
      ${reasons.map(
        (one) => html`<li key=${`${one.state} ${one.reason}`}>
          <${Chip} on=${selected.reason === one.reason && selected.state === one.state}
            href=${choice(selected.reason === one.reason ? { reason: "" } : { state: one.state, reason: one.reason })}>
            <span class="text ${one.state}">${one.reason}</span> <span class="number">${one.count.toLocaleString()}</span>
          <//>
        </li>`,
      )}
    </ul>`}
  </nav>`;
}

function Chip({ on, href, children }) {
  return html`<a class="chip" href=${href} aria-current=${on ? "true" : undefined}>${children}</a>`;
}

function Table({ value, selected }) {
  if (!value.items.length)
    return Object.values(selected).some(Boolean)
      ? html`<${Empty}>No resource matches. <a href="#/">All resources</a><//>`
      : html`<${Empty}>There is no Kepler resource in what you may see. Apply one: <code>kubectl apply -k config/samples</code><//>`;
  return html`<table class="rows resources">
    <thead>
      <tr>
        <th scope="col">Resource</th>
        <th scope="col">State</th>
        <th scope="col">Why</th>
        <th scope="col">Nodes</th>
        <th scope="col">Since</th>
      </tr>
    </thead>
    <tbody>
      ${value.items.map((one) => html`<${Row} key=${one.object.uid} resource=${one} />`)}
    </tbody>
  </table>`;
}

function Row({ resource }) {
  const { object, state } = resource;
  return html`<tr data-row>
    <th scope="row">
      <span class="whose">
        <a class="name" href=${toResource(object)} title=${named(object)}>${object.namespace && html`${object.namespace}/<wbr />`}${object.name}</a>
        ${object.kind !== "Kepler" && html`<span class="kind" title=${object.kind}>${kindWords(object.kind)}</span>`}
      </span>
    </th>
    <td class="stands" title=${state.reason}><${StateSign} state=${state} otherwise=${STATES[state.name]} /></td>
    <td class="why-not"><span class="message" title=${state.message}><${Prose} text=${causeIn(state)} /></span></td>
    <td class="on-nodes"><${Nodes} nodes=${resource.nodes} /></td>
    <td class="since"><${Time} at=${state.since || resource.created} /></td>
  </tr>`;
}
