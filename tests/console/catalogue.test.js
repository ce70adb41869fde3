// What is generated for the console from the code of the functions.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CLOSED, FUNCTIONS, NEUTRAL, OPEN, OUTCOMES, WARNING } from "../../audit/console/catalogue.js";
import { REASONS } from "../../audit/console/reasons.js";

test("every list has something, and nothing twice", () => {
  for (const list of [CLOSED, FUNCTIONS, NEUTRAL, OPEN, OUTCOMES, WARNING]) {
    assert.ok(list.length > 0);
    assert.equal(new Set(list).size, list.length);
  }
});

test("a reason that has a sign of its own is explained", () => {
  for (const reason of [...NEUTRAL, ...WARNING]) assert.ok(REASONS[reason], reason);
});

test("every reason says what it means and what to do", () => {
  for (const [reason, { means, step }] of Object.entries(REASONS)) assert.ok(means && step, reason);
});
