import assert from "node:assert/strict";
import { test } from "node:test";

import { Crashes, WAITS_MS } from "../../src/backoff.js";

test("each wait is longer than the one before", () => {
  const crashes = new Crashes();
  const waits = WAITS_MS.map((_, at) => crashes.waitAfter(at * 5_000));
  assert.deepEqual(waits, [500, 1_000, 2_000, 4_000]);
});

test("one crash more than there are waits, and the server is left stopped", () => {
  const crashes = new Crashes();
  WAITS_MS.forEach((_, at) => crashes.waitAfter(at * 5_000));
  assert.equal(crashes.waitAfter(25_000), undefined);
});

test("a crash of long ago counts no more", () => {
  const crashes = new Crashes();
  crashes.waitAfter(0);
  crashes.waitAfter(1_000);
  assert.equal(crashes.waitAfter(181_000), 500);
});

test("asked for by hand it begins anew", () => {
  const crashes = new Crashes();
  crashes.waitAfter(0);
  crashes.forget();
  assert.equal(crashes.waitAfter(1), 500);
});
