import assert from "node:assert/strict";
import { test } from "node:test";

import { type Block, label, layOut, reference, spoken } from "../../src/answer.js";

const CITED = [{ path: "src/retry.py", start_line: 10, end_line: 24 }];

/** A block as one line: links as <text>, code as `text`, bold as *text*. */
function drawn(block: Block): string {
  if (block.kind === "code") {
    return `code(${block.language}): ${block.text}`;
  }
  const signs = { text: ["", ""], code: ["`", "`"], strong: ["*", "*"], link: ["<", ">"] } as const;
  const spans = block.spans.map((span) => signs[span.kind][0] + span.text + signs[span.kind][1]).join("");
  return `${block.kind}${block.kind === "item" ? ` ${block.marker} ${block.depth}` : ""}: ${spans}`;
}

function shown(text: string): string[] {
  return layOut(text, CITED).map(drawn);
}

test("a cited file with its lines becomes a link, bare, in backticks or in brackets", () => {
  assert.deepEqual(shown("See src/retry.py:10-24."), ["prose: See <src/retry.py:10-24>."]);
  assert.deepEqual(shown("See `src/retry.py:12`."), ["prose: See <src/retry.py:12>."]);
  assert.deepEqual(shown("See [src/retry.py:10-24]."), ["prose: See [<src/retry.py:10-24>]."]);
});

test("a file that was not in the prompt is never a link", () => {
  assert.deepEqual(shown("See src/made_up.py:1-9."), ["prose: See src/made_up.py:1-9."]);
  assert.deepEqual(shown("At `http://host:8080` it listens."), ["prose: At `http://host:8080` it listens."]);
});

for (const harm of [
  "<img src=http://h.invalid/a.png onerror=alert(1)>",
  "![seen](https://h.invalid/a.png?secret)",
  "[run](command:workbench.action.closeWindow)",
  "[open](javascript:alert(1)) <script>alert(1)</script>",
  "[src/retry.py](https://h.invalid/src/retry.py#L10) https://h.invalid/",
]) {
  test(`text stays text: ${harm}`, () => {
    const blocks = layOut(harm, CITED);
    assert.deepEqual(
      blocks.flatMap((block) => (block.kind === "code" ? [] : block.spans.map((span) => span.kind))).filter((kind) => kind === "link"),
      [],
    );
    assert.deepEqual(blocks.map(drawn), [`prose: ${harm}`]);
  });
}

test("a place is written as it is read", () => {
  assert.equal(label({ path: "a.py", start_line: 3, end_line: 4 }), "a.py:3-4");
  assert.equal(label({ path: "a.py", start_line: 3, end_line: 3 }), "a.py:3");
  assert.equal(label({ path: "AGENTS.md", start_line: 0, end_line: 0 }), "AGENTS.md");
});

test("of code it is only said how long it is", () => {
  assert.equal(spoken(layOut("**Do** it in `src/retry.py:10`:\n```py\nx = 1\ny = 2\n```\n- so", CITED)), "Do it in src/retry.py:10:\nCode of 2 lines.\nso");
});

test("a link names the lines that the text names", () => {
  assert.deepEqual(reference("src/retry.py:12", CITED), { path: "src/retry.py", start_line: 12, end_line: 12 });
  assert.deepEqual(reference("src/retry.py:L12-L14", CITED), { path: "src/retry.py", start_line: 12, end_line: 14 });
  assert.deepEqual(reference("src/retry.py#L12-L14", CITED), { path: "src/retry.py", start_line: 12, end_line: 14 });
  assert.equal(reference("src/retry.py:0", CITED), undefined);
  assert.equal(reference("src/retry.py", CITED), undefined);
});

test("the end of a path is enough where only one cited file ends so", () => {
  assert.equal(reference("retry.py:12", CITED)?.path, "src/retry.py");
  assert.equal(reference("retry.py:12", [...CITED, { path: "lib/retry.py", start_line: 1, end_line: 2 }]), undefined);
  assert.equal(reference("etry.py:12", CITED), undefined);
});

test("fenced code keeps its text as it stands", () => {
  assert.deepEqual(shown("Do:\n```python\nx = 1\n\n**y**\n```\nDone."), ["prose: Do:", "code(python): x = 1\n\n**y**", "prose: Done."]);
});

test("code whose fence has not arrived yet is shown as code", () => {
  assert.deepEqual(shown("```ts\nconst a"), ["code(ts): const a"]);
});

test("a longer fence holds a shorter one", () => {
  assert.deepEqual(shown("````\n```\n````"), ["code(): ```"]);
});

test("headings, lists and bold are laid out; what is not understood stays", () => {
  assert.deepEqual(shown("## Why\n- **one** `x`\n  1. two\n<b>no</b> 2 * 3 ** 4"), [
    "heading: Why",
    "item • 0: *one* `x`",
    "item 1. 1: two",
    "prose: <b>no</b> 2 * 3 ** 4",
  ]);
});

test("no text is lost, whatever the answer holds", () => {
  const pieces = ["a", " ", "`", "**", "src/retry.py:10", "\n", "```", "- ", "# ", ":1", "é"];
  let seed = 7;
  const next = (): number => (seed = (seed * 1103515245 + 12345) % 2147483648);
  for (let round = 0; round < 500; round += 1) {
    const text = Array.from({ length: 12 }, () => pieces[next() % pieces.length]).join("");
    const letters = (value: string): string => value.replaceAll(/[^aé]/g, "");
    const out = layOut(text, CITED).map((block) => (block.kind === "code" ? block.language + block.text : block.spans.map((span) => span.text).join("")));
    assert.equal(letters(out.join("")), letters(text), JSON.stringify(text));
  }
});

test("a long line without blanks is laid out in linear time", () => {
  const text = "a".repeat(200_000);
  assert.deepEqual(shown(text), [`prose: ${text}`]);
});
