// Where the parts of a trace lie on its scale.

import assert from "node:assert/strict";
import { test } from "node:test";

import { bars, steps } from "../../audit/console/scale.js";

const EPISODE = { began: "2026-01-01T00:00:00.000Z", milliseconds: 200 };
const REPORT = {
  began: "2026-01-01T00:00:00.100Z",
  milliseconds: 50,
  cause: { sent: "2026-01-01T00:00:00.080Z" },
  calls: [{ began: 10, milliseconds: 20 }],
};

test("a report is drawn from the event that was sent to its last call", () => {
  const { hop, reconcile, calls } = bars(REPORT, EPISODE);
  assert.deepEqual(hop, { left: 0.4, width: 0.1, milliseconds: 20 });
  assert.deepEqual(reconcile, { left: 0.5, width: 0.25, milliseconds: 50 });
  assert.deepEqual([calls[0].left, calls[0].width], [0.55, 0.1]);
});

test("an event that was sent after the reconcile began, by a clock that is ahead, has no way", () => {
  const { hop } = bars({ ...REPORT, cause: { sent: "2026-01-01T00:00:09Z" } }, EPISODE);
  assert.equal(hop.width, 0);
});

test("an event of an unknown time has no way", () => {
  assert.equal(bars({ ...REPORT, cause: { sent: "" } }, EPISODE).hop.width, 0);
});

test("an episode of no length divides by nothing", () => {
  const { reconcile } = bars(REPORT, { ...EPISODE, milliseconds: 0 });
  assert.ok(Number.isFinite(reconcile.left));
});

test("a scale has round steps, a few of them", () => {
  assert.deepEqual(steps(200), [0, 50, 100, 150, 200]);
  assert.deepEqual(steps(0), [0, 0.2, 0.4, 0.6, 0.8].slice(0, steps(0).length));
  for (const length of [1, 7, 33, 480, 12345, 6e6]) assert.ok(steps(length).length <= 7, String(length));
});
