// What is wrong with the installation, as far as the console may look, and the command that looks at the rest.

import { html } from "./vendor/preact.js";
import { get, useAnswer } from "./api.js";
import { count } from "./format.js";
import { Alert, Code, Loading, Prose, Sign } from "./parts.js";

const SIGNS = { ok: "good", warn: "warning", fail: "failed" };

export function Doctor({ tick }) {
  const { value, problem } = useAnswer(() => get("doctor"), ["doctor"], tick);
  return html`
    <header class="page">
      <h1>Doctor</h1>
      <p class="quiet" role="status">${value && told(value.checks)}</p>
    </header>
    <${Alert} problem=${problem} />
    ${value ? html`<${Checks} checks=${value.checks} />` : !problem && html`<${Loading} />`}
    <section aria-labelledby="rest">
      <h2 id="rest">What only the command looks at</h2>
      <p>The definitions and permissions of this version, its policies and overlays, Knative's own health, Broker and Triggers, the functions' revisions and pods, the namespaces of Keplers, and your rights:</p>
      <p class="steps"><${Code} text=${`kubectl kepler doctor${elsewhere(value)}`} /></p>
      <p class="quiet">It reads them by your own rights. The console does not: the ServiceAccount of <code>kepler-audit</code> may read resources and dead letters and nothing else, so that whoever opens the console sees no more of the cluster by it, and the token that you signed in with need not open anything else.</p>
    </section>
  `;
}

function told(checks) {
  const wrong = (level) => checks.filter((one) => one.level === level).length;
  const found = [["fail", "check"], ["warn", "warning"]].map(([level, word]) => [wrong(level), word, level]).filter(([number]) => number);
  if (!found.length) return "nothing is wrong in what the console may look at";
  return found.map(([number, word, level]) => `${count(number, word)}${level === "fail" ? (number === 1 ? " fails" : " fail") : ""}`).join(", ");
}

// Only where the functions are elsewhere than the command looks by itself.
const elsewhere = (value) => (value && value.namespace !== "kepler-operator" ? ` --operator-namespace ${value.namespace}` : "");

// Commands that are not quoted end with a semicolon.
const COMMAND = /(kubectl [^;]+)/;

function Step({ text }) {
  if (text.includes("`")) return html`<${Prose} text=${text} />`;
  return text.split(COMMAND).map((part, place) => (place % 2 ? html`<${Code} text=${part} />` : part));
}

function Checks({ checks }) {
  return html`<table class="rows doctor">
    <thead>
      <tr><th scope="col">Check</th><th scope="col">Result</th><th scope="col">What</th><th scope="col">To do</th></tr>
    </thead>
    <tbody>
      ${checks.map(
        (one, place) => html`<tr key=${place} data-row>
          <th scope="row">${one.area}</th>
          <td><${Sign} of=${SIGNS[one.level]} text=${one.level} /></td>
          <td class="message"><${Prose} text=${one.says} /></td>
          <td class="message steps"><${Step} text=${one.do} /></td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}
