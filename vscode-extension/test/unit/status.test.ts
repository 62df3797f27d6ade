import assert from "node:assert/strict";
import { test } from "node:test";

import { factsOf, look, type State, stateOf } from "../../src/status.js";
import { StateTracker } from "../../src/tracker.js";

const SAID = { state: "ready", message: "" };
const READY = { ...SAID, index: { indexed: true, files: 1204, chunks: 9120, bytes: 18_400_000, behind: 0 }, model: null };
const UNINDEXED = { ...SAID, index: { indexed: false, files: 0, chunks: 0, bytes: 0, behind: 0 }, model: null };

function tracker(...steps: ((tracked: StateTracker) => void)[]): StateTracker {
  const tracked = new StateTracker();
  for (const step of steps) {
    step(tracked);
  }
  return tracked;
}

test("each state has its text", () => {
  const states: State[] = [
    { kind: "starting" },
    { kind: "stopped", reason: "gone" },
    { kind: "indexing", percent: 42.4, phase: "parse" },
    { kind: "indexing", percent: undefined, phase: "" },
    { kind: "waiting" },
    { kind: "offline", reason: "no model" },
    { kind: "error", reason: "disk full" },
    { kind: "unindexed" },
    { kind: "ready", files: 1, chunks: 2 },
  ];
  assert.deepEqual(
    states.map((state) => look(state).text),
    [
      "$(loading~spin) Kibitz",
      "$(circle-slash) Kibitz: stopped",
      "$(sync~spin) Kibitz: indexing 42 %",
      "$(sync~spin) Kibitz: indexing",
      "$(loading~spin) Kibitz: waiting",
      "$(debug-disconnect) Kibitz: offline",
      "$(warning) Kibitz: error",
      "$(circle-outline) Kibitz: not indexed",
      "$(eye) Kibitz: ready",
    ],
  );
});

test("what is wrong with the model is told apart from what is wrong with us", () => {
  const told = (state: string) => tracker((tracked) => tracked.fromNotice({ state, message: "why" })).state;
  assert.deepEqual(told("offline"), { kind: "offline", reason: "why" });
  assert.deepEqual(told("no_model"), { kind: "offline", reason: "why" });
  assert.deepEqual(told("error"), { kind: "error", reason: "why" });
  assert.equal(look(told("offline")).tooltip, "Search works. why");
});

test("an answer that takes a while shows as waited for, until it is there", async () => {
  const tracked = tracker((one) => one.fromStatus(READY));
  const seen: string[] = [];
  tracked.onChange(() => seen.push(tracked.state.kind));
  assert.equal(await tracked.wait(Promise.resolve(1)), 1);
  assert.deepEqual(seen, []);
  const slow = tracked.wait(new Promise((resolve) => setTimeout(() => resolve(2), 500)));
  assert.equal(await slow, 2);
  assert.deepEqual(seen, ["waiting", "ready"]);
});

test("a ready index says how much it holds", () => {
  assert.equal(look(stateOf(READY)).tooltip, "The index is ready: 1,204 files in 9,120 chunks.");
});

test("the status tells of index, changes and model", () => {
  assert.deepEqual(factsOf(READY), ["$(database) 1,204 files in 9,120 chunks, 18.4 MB on disk", "$(hubot) No model has been asked yet"]);
  const behind = { ...SAID, index: { ...READY.index, bytes: 4_200, behind: 1 }, model: "qwen3" };
  assert.deepEqual(factsOf(behind), [
    "$(database) 1,204 files in 9,120 chunks, 5 kB on disk",
    "$(history) 1 file has changed since",
    "$(hubot) qwen3",
  ]);
  assert.deepEqual(factsOf(UNINDEXED), ["$(hubot) No model has been asked yet"]);
});

test("several folders are told of as one", () => {
  const two = { ...READY, folders: [{ index: READY.index }, { index: { ...READY.index, files: 6, chunks: 80, bytes: 600_000 } }] };
  assert.deepEqual(stateOf(two), { kind: "ready", files: 1210, chunks: 9200 });
  assert.equal(factsOf(two)[0], "$(database) 1,210 files in 9,200 chunks, 19.0 MB on disk");
  assert.equal(stateOf({ ...two, folders: [...two.folders, { index: UNINDEXED.index }] }).kind, "unindexed");
});

test("an index that is not there is said to be missing, not ready", () => {
  assert.equal(stateOf(UNINDEXED).kind, "unindexed");
});

test("an error that stands is not talked away by the numbers", () => {
  const state = stateOf({ ...READY, state: "error", message: "There is no model to ask." });
  assert.deepEqual(state, { kind: "error", reason: "There is no model to ask." });
});

test("progress of the indexing shows, any other progress is left to the editor", () => {
  const tracked = new StateTracker();
  assert.equal(tracked.fromProgress("a", { kind: "begin", title: "Answering" }), false);
  assert.equal(tracked.fromProgress("b", { kind: "begin", title: "Indexing", percentage: 0 }), true);
  assert.equal(tracked.fromProgress("b", { kind: "report", percentage: 42, message: "parse" }), true);
  assert.equal(look(tracked.state).text, "$(sync~spin) Kibitz: indexing 42 %");
  assert.equal(tracked.fromProgress("a", { kind: "end" }), false);
});

test("a report without a percentage keeps the last one", () => {
  const tracked = tracker(
    (t) => t.fromProgress(1, { kind: "begin", title: "Indexing" }),
    (t) => t.fromProgress(1, { kind: "report", percentage: 10 }),
    (t) => t.fromProgress(1, { kind: "report", message: "commit" }),
  );
  assert.deepEqual(tracked.state, { kind: "indexing", percent: 10, phase: "commit" });
});

test("what the server answers during a round shows when the round ends", () => {
  const tracked = tracker(
    (t) => t.fromProgress(1, { kind: "begin", title: "Indexing" }),
    (t) => t.fromStatus(READY),
  );
  assert.equal(tracked.state.kind, "indexing");
  tracked.fromProgress(1, { kind: "end" });
  assert.deepEqual(tracked.state, { kind: "ready", files: 1204, chunks: 9120 });
});

test("of two rounds the last to end ends the indexing", () => {
  const tracked = tracker(
    (t) => t.fromStatus(READY),
    (t) => t.fromProgress(1, { kind: "begin", title: "Indexing" }),
    (t) => t.fromProgress(2, { kind: "begin", title: "Indexing" }),
    (t) => t.fromProgress(1, { kind: "end" }),
  );
  assert.equal(tracked.state.kind, "indexing");
  tracked.fromProgress(2, { kind: "end" });
  assert.equal(tracked.state.kind, "ready");
});

test("a round that was cancelled leaves the state from before it", () => {
  const tracked = tracker(
    (t) => t.fromStatus(UNINDEXED),
    (t) => t.fromProgress(1, { kind: "begin", title: "Indexing" }),
    (t) => t.fromProgress(1, { kind: "end", message: "Cancelled" }),
  );
  assert.equal(tracked.state.kind, "unindexed");
});

test("a notice that all is ready asks for the numbers", () => {
  const tracked = new StateTracker();
  assert.equal(tracked.fromNotice({ state: "indexing", message: "" }), false);
  assert.equal(tracked.state.kind, "indexing");
  assert.equal(tracked.fromNotice({ state: "ready", message: "" }), true);
});

test("an error during a round shows at once and stays", () => {
  const tracked = tracker(
    (t) => t.fromProgress(1, { kind: "begin", title: "Indexing" }),
    (t) => t.fromNotice({ state: "error", message: "The disk is full." }),
    (t) => t.fromProgress(1, { kind: "end" }),
  );
  assert.deepEqual(tracked.state, { kind: "error", reason: "The disk is full." });
});

test("a server that stops ends its rounds", () => {
  const tracked = tracker(
    (t) => t.fromProgress(1, { kind: "begin", title: "Indexing" }),
    (t) => t.set({ kind: "stopped", reason: "gone" }),
  );
  assert.equal(tracked.fromProgress(1, { kind: "report", percentage: 50 }), false);
  assert.equal(tracked.state.kind, "stopped");
});
