import assert from "node:assert/strict";
import { test } from "node:test";

import type { ChatParams, ChatResult } from "../../src/protocol.js";
import { answer, type Answers, type Exchange, foundText, type Stream, type Told, UNTRUSTED } from "../../src/thread.js";

const PLACE = { path: "bank.py", start_line: 11, end_line: 15, uri: "file:///shop/bank.py" };
const RESULT: ChatResult = {
  ...{ text: "See bank.py:11.", citations: [PLACE], sources: [{ ...PLACE, why: "found" }], finish_reason: "stop" },
  ...{ notes: [], suggests: "" },
};

/** A stream that is one text: anchors in <>, references in {}. */
class Page implements Stream {
  text = "";
  markdown(text: string): void {
    this.text += text;
  }
  anchor(to: { path: string }): void {
    this.text += `<${to.path}>`;
  }
  reference(to: { path: string }): void {
    this.text += `{${to.path}}`;
  }
}

/** A server that keeps sessions with so many questions, and gives one answer to all. */
class Server implements Answers {
  readonly asked: Omit<ChatParams, "partialResultToken">[] = [];
  constructor(
    private readonly kept: Record<string, number> = {},
    private readonly result: Partial<ChatResult> | Error = {},
  ) {}
  chat(params: Omit<ChatParams, "partialResultToken">, onText: (text: string) => void): Promise<ChatResult> {
    this.asked.push(params);
    if (this.result instanceof Error) {
      onText("See ");
      return Promise.reject(this.result);
    }
    onText("See ");
    onText("bank.py:11.");
    return Promise.resolve({ ...RESULT, ...this.result });
  }
  questions(session: string): Promise<number> {
    const count = this.kept[session];
    return count === undefined ? Promise.reject(new Error("There is no such session.")) : Promise.resolve(count);
  }
  newSession(): string {
    return "new";
  }
  sentence(error: unknown): string {
    return String(error);
  }
}

function exchange(session: string | undefined): Exchange {
  return { question: "Hi", answer: "Hello.", session };
}

async function asked(
  server: Server,
  { earlier = [], notes = [], trusted = true }: { earlier?: Exchange[]; notes?: string[]; trusted?: boolean } = {},
): Promise<{ told: Told; text: string }> {
  const page = new Page();
  const told = await answer({ params: { question: "Where?", attachments: [] }, earlier, notes }, server, page, trusted);
  return { told, text: page.text };
}

test("an answer is told as it comes, then what it cites and what was in the prompt", async () => {
  const { told, text } = await asked(new Server());
  assert.equal(text, "See bank.py:11.\n\nCited: <bank.py>{bank.py}");
  assert.deepEqual(told, { session: "new" });
});

test("a thread goes on in its session", async () => {
  const server = new Server({ a: 2 });
  const { told } = await asked(server, { earlier: [exchange("a"), exchange("a")] });
  assert.deepEqual(server.asked[0], { question: "Where?", attachments: [], session: "a" });
  assert.equal(told.session, "a");
});

const HISTORY = [
  { role: "user", content: "Hi" },
  { role: "assistant", content: "Hello." },
];
for (const [why, kept, earlier] of [
  ["was cut back", { a: 2 }, [exchange("a")]],
  ["has a session that is gone", {}, [exchange("a")]],
  ["was in no session", {}, [exchange(undefined)]],
] as const) {
  test(`a thread that ${why} goes on by what was said`, async () => {
    const server = new Server(kept);
    const { told } = await asked(server, { earlier: [...earlier] });
    assert.deepEqual(server.asked[0], { question: "Where?", attachments: [], history: HISTORY });
    assert.equal(told.session, undefined);
  });
}

test("a thread that has left its session does not come back to it", async () => {
  const server = new Server({ a: 1 });
  await asked(server, { earlier: [exchange(undefined), exchange("a")] });
  assert.equal(server.asked[0]?.session, undefined);
});

test("an answer that nobody gave is no part of what was said", async () => {
  const server = new Server();
  await asked(server, { earlier: [{ question: "Hi", answer: "", session: "gone" }] });
  assert.deepEqual(server.asked[0]?.history, [HISTORY[0]]);
});

test("trouble is one sentence, and the session stays that of the thread", async () => {
  const { told, text } = await asked(new Server({}, new Error("The model cannot be reached.")));
  assert.deepEqual(told, { session: "new", error: "Error: The model cannot be reached." });
  assert.equal(text, "See ");
});

test("what could not be taken along, and that the answer was cut, is said below it", async () => {
  const server = new Server({}, { notes: ["Nothing is selected."], finish_reason: "length", citations: [], sources: [] });
  const { text } = await asked(server, { notes: ["A picture was left out."] });
  assert.deepEqual(text.match(/^> .*$/gm), [
    "> A picture was left out.",
    "> Nothing is selected.",
    "> The answer was cut at the model's limit.",
  ]);
});

test("where the workspace is not trusted the server is not asked", async () => {
  const server = new Server();
  const { told, text } = await asked(server, { earlier: [exchange("a")], trusted: false });
  assert.deepEqual([text, told, server.asked], [UNTRUSTED, { session: undefined }, []]);
});

test("what a search found is read as places with their lines", () => {
  const hit = { ...PLACE, symbol: "Account.withdraw", text: "def withdraw():\n    ```\n" };
  const none = { ...PLACE, start_line: 1, end_line: 1, symbol: "", text: "x = 1\n" };
  assert.equal(foundText([hit, none]), "bank.py:11-15 Account.withdraw\n````\ndef withdraw():\n    ```\n````\n\nbank.py:1\n```\nx = 1\n```");
  assert.equal(foundText([]), "Nothing was found.");
});
