import assert from "node:assert/strict";
import { test } from "node:test";

import { initializationOptions, joined, narrowed, serverEnvironment } from "../../src/options.js";

const UNSET = { baseUrl: "", chatModel: "", completionModel: "", ignore: [], trusted: true, further: {} };

test("what is not set is not sent, so that the server's own configuration holds", () => {
  assert.deepEqual(initializationOptions(UNSET), { trusted: true });
});

test("what is set is sent under the server's names", () => {
  const options = initializationOptions({
    baseUrl: " http://127.0.0.1:11434/v1 ",
    chatModel: "qwen3",
    completionModel: "qwen2.5-coder:1.5b-base",
    ignore: ["fixtures/"],
    trusted: false,
    further: { completion_tokens: 64, trusted: true },
  });
  assert.deepEqual(options, {
    completion_tokens: 64,
    trusted: false,
    base_url: "http://127.0.0.1:11434/v1",
    chat_model: "qwen3",
    completion_model: "qwen2.5-coder:1.5b-base",
    ignore: ["fixtures/"],
  });
});

test("the key reaches the server by its environment, and only when there is one", () => {
  assert.deepEqual(serverEnvironment({ HOME: "/h" }, "sk-1"), { HOME: "/h", OPENAI_API_KEY: "sk-1" });
  assert.deepEqual(serverEnvironment({ HOME: "/h", OPENAI_API_KEY: "old" }, undefined), { HOME: "/h", OPENAI_API_KEY: "old" });
});

test("a workspace can switch off but never on", () => {
  assert.equal(narrowed({ defaultValue: true }), true);
  assert.equal(narrowed({ defaultValue: true, workspaceValue: false }), false);
  assert.equal(narrowed({ defaultValue: true, globalValue: false, workspaceValue: true }), false);
  assert.equal(narrowed({ defaultValue: true, globalValue: false, workspaceLanguageValue: true }), false);
  assert.equal(narrowed(undefined), false);
});

test("a language's value goes before the general one", () => {
  assert.equal(narrowed({ defaultValue: true, globalValue: true, globalLanguageValue: false }), false);
  assert.equal(narrowed({ defaultValue: true, globalValue: false, globalLanguageValue: true }), true);
  assert.equal(narrowed({ defaultValue: true, workspaceValue: false, workspaceFolderValue: true }), true);
});

test("a workspace's patterns are added to the user's", () => {
  assert.deepEqual(joined({ defaultValue: [], globalValue: ["*.min.js", "a"], workspaceValue: ["a", "b"] }), ["*.min.js", "a", "b"]);
  assert.deepEqual(joined(undefined), []);
});
