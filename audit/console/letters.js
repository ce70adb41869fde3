// What could not be delivered, an event and an answer at a time; having it sent once more, or discarded.

import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { request } from "./api.js";
import { RESOURCES } from "./catalogue.js";
import { count } from "./format.js";
import { Alert, Empty, Loading, Prose, ResourceName, Time } from "./parts.js";

// Milliseconds until the functions have done what they were asked for, most of the time.
const SOON = 2000;

export function Letters({ letters, problem, reload }) {
  const groups = grouped(letters || []);
  return html`
    <header class="page">
      <h1>Dead letters</h1>
      <p class="quiet">Events that no function could take. What they asked for is not lost: the sweep looks at every resource within five minutes.</p>
    </header>
    <${Alert} problem=${problem} />
    ${groups.length > 1 && html`<${Actions} letters=${letters} all="all " reload=${reload} />`}
    ${letters === null
      ? !problem && html`<${Loading} />`
      : letters.length === 0
        ? html`<${Empty}>Everything was delivered.<//>`
        : html`<ul class="letters">${groups.map((one) => html`<${Group} key=${one.key} group=${one} reload=${reload} />`)}</ul>`}
  `;
}

// Events of one type about one object that got the same answer, the newest first, as the letters are.
function grouped(letters) {
  const groups = new Map();
  for (const one of letters) {
    const { type, object } = one.event;
    const key = JSON.stringify([type, object.kind, object.namespace, object.name, one.code, one.answer]);
    if (!groups.has(key)) groups.set(key, { key, letters: [] });
    groups.get(key).letters.push(one);
  }
  return [...groups.values()];
}

// The broker's filter is asked for a Trigger, which has the function's name.
function addressee(destination) {
  const trigger = /\/triggers\/[^/]+\/([^/]+)/.exec(destination);
  return trigger ? trigger[1] : destination.replace(/^https?:\/\//, "") || "unknown";
}

const addressees = (letters) => [...new Set(letters.flatMap((one) => one.destination.split(", ").map(addressee)))].join(", ");
const times = (number) => (number === 1 ? "once" : `${number.toLocaleString()} times`);

function Group({ group, reload }) {
  const { letters } = group;
  const [newest] = letters;
  const { event } = newest;
  const given = letters.reduce((sum, one) => sum + one.count, 0);
  const first = letters.map((one) => one.first || one.time).sort()[0];
  return html`<li data-row>
    <div class="heading">
      <h2>${event.object.name ? (RESOURCES.includes(event.object.kind) ? html`<${ResourceName} object=${event.object} />` : `${event.object.kind} ${event.object.name}`) : event.type}</h2>
      <${Time} at=${newest.time} />
    </div>
    <p class="message">${newest.code ? `answered ${newest.code}` : "did not answer"}${newest.answer && html`: <${Prose} text=${newest.answer} />`}</p>
    <dl class="facts">
      <div><dt>to</dt><dd><strong>${addressees(letters)}</strong></dd></div>
      <div><dt>type</dt><dd><code>${event.type}</code></dd></div>
      <div><dt>given up</dt><dd>${times(given)}${first !== newest.time && html`, first <${Time} at=${first} />`}</dd></div>
    </dl>
    ${letters.length === 1
      ? html`<ul class="events"><${Letter} letter=${newest} alone=${true} reload=${reload} /></ul>`
      : html`<details>
          <summary>${count(letters.length, "event")}</summary>
          <ul class="events">${letters.map((one) => html`<${Letter} key=${one.name} letter=${one} reload=${reload} />`)}</ul>
        </details>`}
    <${Actions} letters=${letters} all=${letters.length > 1 ? "these " : ""} reload=${reload} />
  </li>`;
}

function Letter({ letter, alone = false, reload }) {
  return html`<li class="letter">
    <span>event <code>${letter.event.id}</code>${!alone && html` <span class="quiet">${times(letter.count)}, <${Time} at=${letter.time} />, to ${addressees([letter])}</span>`}</span>
    <span class="quiet">letter <code>${letter.name}</code></span>
    ${!letter.complete && html`<span>not all of it could be stored: it cannot be sent again</span>`}
    ${!alone && html`<${Actions} letters=${[letter]} all="" reload=${reload} />`}
  </li>`;
}

const DONE = {
  replay: "on their way; what fails again comes back here",
  discard: "discarded",
};

// What can be done about some letters, one after the other; one that is not there any more is somebody else's work.
function Actions({ letters, all, reload }) {
  const [state, setState] = useState({ left: 0, done: "", problem: null });
  const whole = letters.filter((one) => one.complete);
  const many = letters.length > 1;
  const act = async (what, some) => {
    let problem = null;
    for (let at = 0; at < some.length && !problem; at++) {
      setState({ left: some.length - at, done: "", problem: null });
      await request(some[at].name, what).catch((met) => (problem = met.status === 404 ? null : met));
    }
    setState({ left: 0, done: problem ? "" : what, problem });
    reload();
    setTimeout(reload, SOON);
  };
  const about = many ? `${all}${letters.length.toLocaleString()} events` : letters[0].name;
  return html`<div class="actions">
    ${whole.length > 0 && html`<button type="button" disabled=${state.left > 0} onClick=${() => act("replay", whole)} aria-label="send ${about} again">${many ? `send ${all}${whole.length} again` : "send again"}</button>`}
    <${Confirmed} label=${many ? `discard ${all}${letters.length}` : "discard"} about=${about} disabled=${state.left > 0} act=${() => act("discard", letters)} />
    <span class="quiet" role="status">${state.left ? `${state.left.toLocaleString()} left …` : DONE[state.done]}</span>
    <${Alert} problem=${state.problem} />
  </div>`;
}

// What cannot be taken back is asked for twice; the second question goes when the focus does.
function Confirmed({ label, about, disabled, act }) {
  const [asked, setAsked] = useState(false);
  const button = useRef(null);
  useEffect(() => asked && button.current?.focus(), [asked]);
  const pressed = () => {
    setAsked(!asked);
    if (asked) act();
  };
  return html`<button ref=${button} type="button" class=${asked ? "sure" : ""} disabled=${disabled} onClick=${pressed} onBlur=${() => setAsked(false)} aria-label=${asked ? `really discard ${about}` : `discard ${about}`}>${asked ? `really ${label}?` : label}</button>`;
}
