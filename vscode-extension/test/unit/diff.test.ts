import assert from "node:assert/strict";
import { test } from "node:test";

import { hunksOf } from "../../src/diff.js";

const DIFF = `--- a/bank.py
+++ b/bank.py
@@ -1,5 +1,5 @@
 import os
-x = 1
-y = 2
+x = 2
 
 z = 3
+w = 4
@@ -20,0 +21,2 @@
+def last():
+    pass
\\ No newline at end of file
`;

test("each run of changed lines is a hunk where it stands in the old text", () => {
  assert.deepEqual(hunksOf(DIFF), [
    { start: 1, removed: 2, added: ["x = 2"] },
    { start: 5, removed: 0, added: ["w = 4"] },
    { start: 20, removed: 0, added: ["def last():", "    pass"] },
  ]);
});

test("lines that look like heads of a diff are lines inside a hunk", () => {
  const diff = "--- a/x.sql\n+++ b/x.sql\n@@ -1 +1 @@\n--- old\n+++ new\n";
  assert.deepEqual(hunksOf(diff), [{ start: 0, removed: 1, added: ["++ new"] }]);
});

test("what is no diff has no hunks", () => {
  assert.deepEqual(hunksOf(""), []);
  assert.deepEqual(hunksOf("-a\n+b\n"), []);
});
