// When the console asks again for what was read of the cluster.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ageOf, untilAskedAgain } from "../../audit/console/freshness.js";

test("an answer that was read before the question is asked for again when the next read can begin", () => {
  assert.equal(untilAskedAgain({ age: 0.9, next: 0.6 }, 20), 600);
});

test("an answer that was read after the question is not asked for again", () => {
  assert.equal(untilAskedAgain({ age: 0.02, next: 1 }, 20), null);
  assert.equal(untilAskedAgain({ age: 0.5, next: 1 }, 1800), null);
});

test("an answer without an age, such as one from the database, is not asked for again", () => {
  assert.equal(untilAskedAgain(undefined, 20), null);
  assert.equal(ageOf(new Headers({ "Read-Age": "1.5" })), null);
});

test("a read that is due or goes on is asked for after a pause", () => {
  assert.equal(untilAskedAgain({ age: 3, next: 0 }, 20), 300);
});

test("the age of an answer is in its headers, in seconds", () => {
  assert.deepEqual(ageOf(new Headers({ "Read-Age": "0.734", "Next-Read": "0.266" })), { age: 0.734, next: 0.266 });
});
