// Where the console wants to know who looks: a Kubernetes token, kept in this tab only.

import { html, useState } from "./vendor/preact.js";
import { signIn } from "./api.js";

export function SignIn({ problem, done }) {
  const [token, setToken] = useState("");
  const enter = (event) => {
    event.preventDefault();
    signIn(token);
    done();
  };
  return html`<main class="signin">
    <h1>Kepler on Knative</h1>
    <p>This console shows what you may read in the cluster: whoever may <code>get keplers</code> in a namespace sees what was done there.</p>
    <form onSubmit=${enter}>
      <label>Kubernetes bearer token
        <input type="password" name="token" value=${token} autocomplete="off" required autofocus onInput=${(event) => setToken(event.target.value)} />
      </label>
      <button type="submit" disabled=${!token.trim()}>Show</button>
    </form>
    <p class="quiet">One of a ServiceAccount: <code>kubectl create token NAME --audience kepler-on-knative</code>. It stays in this tab, and is forgotten with it.</p>
    ${problem && html`<p class="alert" role="alert">${problem}</p>`}
  </main>`;
}
