import assert from "node:assert/strict";
import { test } from "node:test";

import { type FileStatus, rowsOf, sentenceOf, type Sums } from "../../src/coverage.js";

const amount = (files: number, bytes = 0, folders = 0) => ({ files, folders, bytes });
const SUMS: Sums = {
  uri: "file:///shop",
  name: "shop",
  total: amount(1204, 18_400_000),
  to_do: amount(0),
  in: [
    { language: "python", ...amount(1200, 18_000_000) },
    { language: "", ...amount(4, 400_000) },
  ],
  out: [
    { rule: "vendored", reason: "it is in a folder that a tool fetched or made", ...amount(0, 0, 2) },
    { rule: "binary", reason: "it is no text", ...amount(1, 900) },
  ],
  warning: null,
};

test("the tree says what is in by language, and what is out by rule", () => {
  const told = rowsOf([SUMS]).map((row) => [row.label, row.description, row.children.map((one) => `${one.label}: ${one.description}`)]);
  assert.deepEqual(told, [
    ["In the index", "1,204 files, 18.4 MB", ["python: 1,200 files, 18.0 MB", "other text: 4 files, 400 kB"]],
    ["Left out", "1 file and 2 folders, 1 kB", ["vendored: 2 folders", "binary: 1 file, 1 kB"]],
  ]);
  assert.equal(rowsOf([SUMS])[1]?.children[0]?.tooltip, "Left out because it is in a folder that a tool fetched or made.");
});

test("what the next round has yet to read is told", () => {
  const described = (to_do: Sums["to_do"]) => rowsOf([{ ...SUMS, to_do }])[0]?.description;
  assert.equal(described(amount(2)), "1,204 files, 18.4 MB, 2 files still to be read");
  assert.equal(described(amount(1204)), "1,204 files, 18.4 MB, all still to be read");
});

test("several folders have a row each, and a warning comes first", () => {
  const rows = rowsOf([{ ...SUMS, warning: "Most source files here are Zig." }, { ...SUMS, name: "till", uri: "file:///till" }]);
  assert.deepEqual(rows.map((row) => row.label), ["shop", "till"]);
  assert.deepEqual(rows[0]?.children.map((row) => row.kind), ["warning", "in", "out"]);
  assert.equal(rows[1]?.children[0]?.children[0]?.folder, "file:///till");
});

test("a file's state is one sentence", () => {
  const file: FileStatus = { path: "a.js", indexed: true, rule: "", origin: "", reason: "", chunks: 3, changed: false };
  assert.equal(sentenceOf(file), "a.js is in the index in 3 chunks.");
  assert.equal(sentenceOf({ ...file, changed: true }), "a.js is in the index in 3 chunks, and has changed since.");
  assert.equal(sentenceOf({ ...file, indexed: false }), "a.js is not indexed yet: the next round enters it.");
  const out = { ...file, indexed: false, rule: "ignored", origin: ".gitignore:3: *.js", reason: "an ignore file leaves it out" };
  assert.equal(sentenceOf(out), "a.js is left out by the rule “ignored” (.gitignore:3: *.js): an ignore file leaves it out.");
  assert.match(sentenceOf({ ...out, indexed: true }), /The next round takes it out\.$/);
});
