// Every report, newest first, and what one looks for among them.

import { html, useEffect, useState } from "./vendor/preact.js";
import { usePages } from "./api.js";
import { FUNCTIONS, OUTCOMES } from "./catalogue.js";
import { toActivity } from "./format.js";
import { Alert, Empty, Loading, More, ResourceName } from "./parts.js";
import { Report } from "./resource.js";

const PAGE = 100;
const AGES = { "": "any time", "1h": "the last hour", "24h": "the last day", "168h": "the last week" };
const HOUR = 3600000;

// `since` is kept as an age, so that a bookmark means the same tomorrow; whole minutes, so that a page stays the same.
function since(age) {
  if (!AGES[age] || !age) return "";
  const minute = Math.floor(Date.now() / 60000) * 60000;
  return new Date(minute - parseInt(age, 10) * HOUR).toISOString();
}

export function Activity({ wanted, tick }) {
  const { age = "", ...selected } = wanted;
  const asked = { ...selected, since: since(age), limit: PAGE };
  const reports = usePages("reports", asked, tick, (one) => one.id);
  return html`
    <header class="page"><h1>Activity</h1></header>
    <${Filters} wanted=${wanted} />
    <${Alert} problem=${reports.problem} />
    ${reports.items === null
      ? !reports.problem && html`<${Loading} />`
      : reports.items.length === 0
        ? html`<${Empty}>No report matches.<//>`
        : html`<ul class="reports activity">
            ${reports.items.map((one) => html`<${Report} key=${one.id} summary=${one} of=${true}><${ResourceName} object=${one.object} kind=${one.object.kind !== "Kepler"} /><//>`)}
          </ul>`}
    <${More} ...${reports} />
  `;
}

function Filters({ wanted }) {
  const set = (name, content) => {
    location.hash = toActivity({ ...wanted, [name]: content }).slice(1);
  };
  return html`<form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
    <${Choice} name="function" label="function" wanted=${wanted} options=${FUNCTIONS.map((one) => [one, one.replaceAll("_", " ")])} set=${set} />
    <${Choice} name="outcome" label="outcome" wanted=${wanted} options=${OUTCOMES.map((one) => [one, one])} set=${set} />
    <${Choice} name="age" label="when" wanted=${wanted} options=${Object.entries(AGES).filter(([age]) => age)} set=${set} />
    <${Text} name="namespace" label="namespace" wanted=${wanted} set=${set} />
    <${Text} name="name" label="resource" wanted=${wanted} set=${set} />
    <${Text} name="target" label="object written" example="DaemonSet/kepler-exporter" wanted=${wanted} set=${set} />
    ${Object.values(wanted).some(Boolean) && html`<a class="clear" href="#/activity">clear</a>`}
  </form>`;
}

function Choice({ name, label, wanted, options, set }) {
  return html`<label>${label}
    <select name=${name} value=${wanted[name] || ""} onChange=${(event) => set(name, event.target.value)}>
      <option value="">any</option>
      ${options.map(([content, text]) => html`<option key=${content} value=${content}>${text}</option>`)}
    </select>
  </label>`;
}

function Text({ name, label, example = "", wanted, set }) {
  const [typed, setTyped] = useState(wanted[name] || "");
  useEffect(() => setTyped(wanted[name] || ""), [wanted[name]]);
  const done = () => typed !== (wanted[name] || "") && set(name, typed.trim());
  return html`<label>${label}
    <input name=${name} value=${typed} placeholder=${example} autocomplete="off" spellcheck="false" data-filter=${name === "name"}
      onInput=${(event) => setTyped(event.target.value)} onBlur=${done}
      onKeyDown=${(event) => event.key === "Enter" && done()} />
  </label>`;
}
