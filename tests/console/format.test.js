// How the console writes times, sizes, values and addresses.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ago, bytes, causeIn, count, duration, kindWords, named, toActivity, toResource, value } from "../../audit/console/format.js";

test("an age has one unit, the largest that fits", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  const cases = { "2026-01-01T23:59:59.5Z": "now", "2026-01-01T23:59:58Z": "2 s ago", "2026-01-01T23:58:30Z": "1 min ago" };
  for (const [time, text] of Object.entries({ ...cases, "2026-01-01T21:00:00Z": "3 h ago", "2025-12-30T00:00:00Z": "3 d ago" })) {
    assert.equal(ago(time, now), text);
  }
});

test("a time in the future, by a clock that is ahead, is now", () => {
  assert.equal(ago("2026-01-02T00:00:09Z", Date.parse("2026-01-02T00:00:00Z")), "now");
});

test("a duration is rounded without a sixtieth second", () => {
  const cases = { 9.94: "9.9 ms", 10: "10 ms", 999: "999 ms", 1500: "1.50 s", 60000: "1 min 0 s", 119600: "2 min 0 s" };
  for (const [milliseconds, text] of Object.entries(cases)) assert.equal(duration(Number(milliseconds)), text);
});

test("a size is in powers of 1024", () => {
  for (const [size, text] of Object.entries({ 0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 20971520: "20 MiB" })) {
    assert.equal(bytes(Number(size)), text);
  }
});

test("a value is JSON in one line, but for plain text", () => {
  assert.deepEqual([null, "", "a b", 3, { a: [1, 2] }].map(value), ["", "", "a b", "3", '{ "a": [ 1, 2 ] }']);
});

test("one of something has no plural", () => {
  assert.deepEqual([count(1, "node"), count(0, "node"), count(2, "node")], ["1 node", "0 nodes", "2 nodes"]);
});

test("an object without a namespace is named by its name", () => {
  assert.deepEqual([named({ name: "a" }), named({ namespace: "n", name: "a" })], ["a", "n/a"]);
});

test("addresses take any name", () => {
  assert.equal(toResource({ kind: "Kepler", namespace: "n", name: "a/b#c" }), "#/resource/Kepler/n/a%2Fb%23c");
  assert.equal(toResource({ kind: "KeplerMachineConfig", name: "m" }), "#/resource/KeplerMachineConfig/-/m");
  assert.equal(toActivity({ function: "status", outcome: "", since: "x&y" }), "#/activity?function=status&since=x%26y");
});

test("a kind is written in short", () => {
  assert.deepEqual(["KeplerCollectedMetric", "KeplerMachineConfig", "Kepler"].map(kindWords), ["collected metric", "machine config", "kepler"]);
});

test("the cause is what stands before the step, and all of a message that has none", () => {
  assert.equal(causeIn({ message: "no ready pod: not found; create it, or wait", step: "create it, or wait" }), "no ready pod: not found");
  assert.equal(causeIn({ message: "no ready pod: not found", step: "not found" }), "no ready pod: not found");
  assert.equal(causeIn({ message: "as it should be", step: "" }), "as it should be");
});
