// Every resource there is, what is wrong with it first.

import { html } from "./vendor/preact.js";
import { get, useAnswer } from "./api.js";
import { count, named, toResource } from "./format.js";
import { Alert, Empty, Loading, Nodes, Prose, Sign, signKind, Time } from "./parts.js";

const ORDER = { bad: 0, wait: 1, none: 2, good: 3 };

// What others only refer to says nothing of itself, and stands last.
const isQuiet = (resource) => resource.object.kind !== "Kepler" && !resource.conditions.length;
const rank = (resource) => (isQuiet(resource) ? 4 : ORDER[signKind(standing(resource)?.status)]);

// What a resource without `Ready` says of itself: the worst of its conditions.
export function standing(resource) {
  if (resource.ready) return resource.ready;
  const worst = [...resource.conditions].sort((one, other) => ORDER[signKind(one.status)] - ORDER[signKind(other.status)]);
  return worst[0] || null;
}

export function said(resource) {
  const found = standing(resource);
  if (resource.deleting) return "is being deleted";
  if (!found) return resource.object.kind === "Kepler" ? "no function has reported on it yet" : "read by the Keplers that name it";
  return found.current === false ? `${found.message} (of an earlier generation)` : found.message;
}

export function Resources({ tick }) {
  const { value, problem } = useAnswer(() => get("resources"), ["resources"], tick);
  if (!value) return problem ? html`<${Alert} problem=${problem} />` : html`<${Loading} />`;
  const sorted = [...value.items].sort(
    (one, other) => rank(one) - rank(other) || named(one.object).localeCompare(named(other.object)),
  );
  const ready = value.items.filter((one) => one.ready?.status === "True" && one.ready.current).length;
  const keplers = value.items.filter((one) => one.object.kind === "Kepler").length;
  return html`
    <header class="page">
      <h1>Resources</h1>
      <p class="quiet">${keplers ? `${ready} of ${count(keplers, "Kepler")} ready` : "no Kepler yet"}</p>
    </header>
    <${Alert} problem=${problem} />
    ${sorted.length === 0
      ? html`<${Empty}>There is no Kepler resource in what you may see. Apply one: <code>kubectl apply -k config/samples</code><//>`
      : html`<table class="rows">
          <thead>
            <tr>
              <th scope="col">Resource</th>
              <th scope="col">State</th>
              <th scope="col">Nodes</th>
              <th scope="col" class="number">Generation</th>
              <th scope="col">Since</th>
            </tr>
          </thead>
          <tbody>
            ${sorted.map((one) => html`<${Row} key=${one.object.uid} resource=${one} />`)}
          </tbody>
        </table>`}
  `;
}

function Row({ resource }) {
  const found = standing(resource);
  return html`<tr data-row>
    <th scope="row">
      <a class="name" href=${toResource(resource.object)}>${named(resource.object)}</a>
      <span class="kind block">${resource.object.kind}</span>
    </th>
    <td>
      ${isQuiet(resource)
        ? html`<span class="quiet">${said(resource)}</span>`
        : html`<${Sign} of=${found?.status} text=${found?.reason} /><span class="message block"><${Prose} text=${said(resource)} /></span>`}
      <${Functions} resource=${resource} />
    </td>
    <td data-label="nodes"><${Nodes} nodes=${resource.nodes} /></td>
    <td data-label="generation" class="number">${resource.generation}</td>
    <td data-label="since"><${Time} at=${found?.since || resource.created} /></td>
  </tr>`;
}

// One mark for each condition: which function is done, and which is not.
function Functions({ resource }) {
  const others = resource.conditions.filter((one) => one.type !== "Ready");
  if (others.length < 2) return null;
  return html`<ul class="marks" aria-label="conditions">
    ${others.map((one) => {
      const state = one.current === false ? "none" : signKind(one.status);
      return html`<li key=${one.type} class=${state} title="${one.type}: ${one.status}, ${one.reason}. ${one.message}">
        <span class="unseen">${one.type} is ${one.status}</span>
      </li>`;
    })}
  </ul>`;
}
