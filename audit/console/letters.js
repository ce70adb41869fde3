// What could not be delivered, to whom, and why; and having it sent once more.

import { html, useState } from "./vendor/preact.js";
import { replay } from "./api.js";
import { Alert, Empty, Loading, ResourceName, Time } from "./parts.js";

const RESOURCES = ["Kepler", "KeplerCollectedMetric", "KeplerExportedPower", "KeplerMachineConfig"];

export function Letters({ letters, problem, reload }) {
  return html`
    <header class="page">
      <h1>Dead letters</h1>
      <p class="quiet">Events that no function could take. What they asked for is not lost: the sweep looks at every resource within five minutes.</p>
    </header>
    <${Alert} problem=${problem} />
    ${letters?.length > 1 && html`<${All} letters=${letters} reload=${reload} />`}
    ${letters === null
      ? !problem && html`<${Loading} />`
      : letters.length === 0
        ? html`<${Empty}>Everything was delivered.<//>`
        : html`<ul class="letters">${letters.map((one) => html`<${Letter} key=${one.name} letter=${one} reload=${reload} />`)}</ul>`}
  `;
}

// One after the other; one that is not there any more was sent by somebody else.
function All({ letters, reload }) {
  const [state, setState] = useState({ left: 0, problem: null });
  const send = async () => {
    let problem = null;
    for (let sent = 0; sent < letters.length && !problem; sent++) {
      setState({ left: letters.length - sent, problem: null });
      await replay(letters[sent].name).catch((met) => (problem = met.status === 404 ? null : met));
    }
    setState({ left: 0, problem });
    reload();
  };
  return html`<p>
      <button type="button" onClick=${send} disabled=${state.left > 0}>${state.left ? `sending, ${state.left} left …` : `send all ${letters.length} again`}</button>
    </p>
    <${Alert} problem=${state.problem} />`;
}

// The broker's filter is asked for a Trigger, which has the function's name.
function addressee(destination) {
  const trigger = /\/triggers\/[^/]+\/([^/]+)/.exec(destination);
  return trigger ? trigger[1] : destination.replace(/^https?:\/\//, "") || "unknown";
}

function Letter({ letter, reload }) {
  const [state, setState] = useState({ busy: false, sent: false, problem: null });
  const { event } = letter;
  const send = async () => {
    setState({ busy: true, sent: false, problem: null });
    try {
      await replay(letter.name);
      setState({ busy: false, sent: true, problem: null });
      reload();
    } catch (problem) {
      setState({ busy: false, sent: false, problem });
    }
  };
  return html`<li data-row>
    <div class="heading">
      <h2>${event.object.name ? (RESOURCES.includes(event.object.kind) ? html`<${ResourceName} object=${event.object} />` : `${event.object.kind} ${event.object.name}`) : event.type}</h2>
      <${Time} at=${letter.time} />
    </div>
    <p class="message">${letter.code ? `answered ${letter.code}` : "did not answer"}${letter.answer ? `: ${letter.answer}` : ""}</p>
    <dl class="facts">
      <div><dt>to</dt><dd title=${letter.destination}><strong>${addressee(letter.destination)}</strong></dd></div>
      <div><dt>type</dt><dd><code>${event.type}</code></dd></div>
      <div><dt>event</dt><dd><code>${event.id}</code></dd></div>
      <div><dt>letter</dt><dd><code>${letter.name}</code></dd></div>
    </dl>
    <${Alert} problem=${state.problem} />
    <p>
      <button type="button" onClick=${send} disabled=${state.busy || state.sent} aria-label="send ${letter.name} again">${state.busy ? "sending …" : state.sent ? "sent" : "send again"}</button>
      ${state.sent && html` <span class="quiet" role="status">it is on its way; if it fails again, it comes back here</span>`}
    </p>
  </li>`;
}
