// The console by keyboard: `j` and `k` go from row to row, Enter opens, `g` and a letter changes the page.

import { html, useEffect, useRef } from "./vendor/preact.js";

const PAGES = { r: "#/", a: "#/activity", d: "#/letters", o: "#/doctor" };
const TOLD = [
  ["j, k", "next row, row before"],
  ["Enter", "open the row"],
  ["/", "find a resource by its namespace or name; in the activity, its reports"],
  ["g then r", "resources"],
  ["g then a", "activity"],
  ["g then d", "dead letters"],
  ["g then o", "doctor"],
  ["Backspace", "back"],
  ["?", "these keys"],
];

const rows = () => [...document.querySelectorAll("main [data-row], main .report")].filter((row) => row.checkVisibility());
const handle = (row) => row.querySelector("a.name, summary, button, a");

function move(by) {
  const found = rows();
  if (!found.length) return;
  const here = found.findIndex((row) => row.contains(document.activeElement));
  const next = found[here < 0 ? (by > 0 ? 0 : found.length - 1) : Math.min(found.length - 1, Math.max(0, here + by))];
  const target = handle(next);
  target?.focus();
  next.scrollIntoView({ block: "nearest" });
}

// The field may have to come into being first.
function find(tries = 30) {
  /** @type {HTMLInputElement} */
  const field = document.querySelector("[data-filter=true]");
  if (field) return field.focus(), field.select();
  if (!/^#\/?(\?|$)/.test(location.hash)) location.hash = "#/";
  if (tries) requestAnimationFrame(() => find(tries - 1));
}

export function useKeys(help, helping) {
  const waiting = useRef(0);
  useEffect(() => {
    const pressed = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest("input, select, textarea")) {
        if (event.key === "Escape") event.target.blur();
        return;
      }
      if (event.key === "Escape" && helping) return help();
      if (Date.now() - waiting.current < 1500 && PAGES[event.key]) {
        waiting.current = 0;
        location.hash = PAGES[event.key];
        return;
      }
      const done = { j: () => move(1), k: () => move(-1), "/": () => find(), "?": help, g: () => (waiting.current = Date.now()), Backspace: () => history.back() }[event.key];
      if (!done) return;
      event.preventDefault();
      done();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [help, helping]);
}

export function Help({ close }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current?.showModal(), []);
  return html`<dialog ref=${dialog} onClose=${close} aria-label="keys">
    <h2>Keys</h2>
    <dl class="keys">
      ${TOLD.map(([keys, what]) => html`<div key=${keys}><dt><kbd>${keys}</kbd></dt><dd>${what}</dd></div>`)}
    </dl>
    <form method="dialog"><button type="submit">close</button></form>
  </dialog>`;
}
