// Runs inside the extension host of a real editor: the commands against a real server and a scripted model.
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import * as vscode from "vscode";

import type { Api } from "../../src/extension.js";
import { commands } from "./commands.js";

type Journey = (api: Api) => Promise<void>;

const journeys: Record<string, Journey> = {
  "the index gets ready": async (api) => {
    const settled = (): boolean => ["ready", "stopped", "error"].includes(api.tracker.state.kind);
    await until(settled, () => JSON.stringify(api.tracker.state));
    assert.equal(api.tracker.state.kind, "ready", JSON.stringify(api.tracker.state));
  },

  "a search finds the file that answers": async (api) => {
    const hits = await api.search("area of a rectangle", 5);
    assert.equal(hits[0]?.path, "shapes/area.py");
  },

  "ghost text appears and is accepted": async () => {
    const editor = await open("main.py", "\ndef add(a, b):\n    ");
    assert.equal(await ghostText(editor), "return a + b");
  },

  "no ghost text is asked for while it is switched off": async () => {
    await vscode.commands.executeCommand("kibitz.toggleGhostText");
    const editor = await open("main.py", "\ndef sub(a, b):\n    ");
    const shown = await ghostText(editor);
    await vscode.commands.executeCommand("kibitz.toggleGhostText");
    assert.equal(shown, "");
  },

  "a question is answered": async (api) => {
    const text = await api.ask("Where is the area computed?");
    assert.match(text ?? "", /shapes\/area\.py:1-/);
  },

  "the host's chat is answered in a session that is kept, and goes on in it": async (api) => {
    const told = new Told();
    const area = await open("shapes/area.py");
    const value = new vscode.Location(area.document.uri, new vscode.Range(0, 0, 1, 0));
    const first = await ask(api, told, "Where is the area computed?", [], [{ id: "lines", value }]);
    assert.match(told.text, /`shapes\/area\.py:1-2`[^]*\n\nCited: (, )*$/);
    assert(told.anchors.some((each) => each instanceof vscode.Location && each.uri.path.endsWith("/shapes/area.py")));
    assert(told.references.length > 0, "nothing was referred to");
    const history = turns("Where is the area computed?", told.text, first);
    const second = await ask(api, new Told(), "Where is the area, then?", history);
    assert.match(first.metadata?.["session"], /^[0-9a-f]{16}$/);
    assert.equal(second.metadata?.["session"], first.metadata?.["session"]);
    const branched = await ask(api, new Told(), "Where is the area, then?", history);
    assert.equal(branched.metadata?.["session"], undefined);
  },

  "a whole file goes with a question of the host's chat, and what is no file is left out with a word": async (api) => {
    const told = new Told();
    const { uri } = (await open("shapes/report.py")).document;
    await ask(api, told, "what is selected?", [], [{ id: "file", value: uri }, { id: "picture", value: { mimeType: "image/png" } }]);
    assert.match(told.text, /It adds\.[^]*\n> Kibitz takes files and selections/);
    assert(told.references.some((each) => each instanceof vscode.Location && each.uri.path.endsWith("/report.py")));
  },

  "a prompt that does not exist is told in the host's chat as one sentence": async (api) => {
    const { errorDetails } = await ask(api, new Told(), "/nonsense");
    assert.match(errorDetails?.message ?? "", /^There is no prompt \/nonsense; there are .*\.$/);
  },

  "an answer in the host's chat is stopped by the host": async (api) => {
    const stopping = new vscode.CancellationTokenSource();
    const told = new Told(() => stopping.cancel());
    const { errorDetails } = await ask(api, told, "Answer slowly, please.", [], [], stopping.token);
    assert.equal(errorDetails, undefined);
    assert.doesNotMatch(told.text, /j/);
  },

  "other agents of the host can search": async () => {
    assert(vscode.lm.tools.some((tool) => tool.name === "kibitz_search"), "the tool is not there");
    const input = { query: "area of a rectangle", k: 1 };
    const { content } = await vscode.lm.invokeTool("kibitz_search", { input, toolInvocationToken: undefined });
    const [part] = content;
    assert(part instanceof vscode.LanguageModelTextPart);
    assert.match(part.value, /^shapes\/area\.py:1-2 area\n```\ndef area/);
  },

  "a new conversation stops the answer that is on its way": async (api) => {
    const answer = api.ask("Answer slowly, please.");
    await pause(1_500);
    await vscode.commands.executeCommand("kibitz.newConversation");
    assert.equal(await answer, undefined);
  },

  "an edit is applied to the selection and taken back by one undo": async (api) => {
    const editor = await open("shapes/area.py");
    const before = editor.document.getText();
    editor.selection = new vscode.Selection(0, 0, 2, 0);
    assert.equal(await api.edit("Add a docstring."), true);
    assert.match(editor.document.getText(), /"""The area of a rectangle\."""\n {4}return width \* height/);
    await vscode.commands.executeCommand("undo");
    assert.equal(editor.document.getText(), before);
  },

  "an edit that the model does not give changes nothing": async (api) => {
    const editor = await open("shapes/area.py");
    const before = editor.document.getText();
    editor.selection = new vscode.Selection(0, 0, 2, 0);
    assert.equal(await api.edit("Refuse, please."), false);
    assert.equal(editor.document.getText(), before);
  },

  "a server that dies is started again": async (api) => {
    for (const pid of await serverProcesses()) {
      process.kill(pid, "SIGKILL");
    }
    await until(() => api.tracker.state.kind !== "ready", () => "still ready");
    await until(() => api.tracker.state.kind === "ready", () => JSON.stringify(api.tracker.state));
  },

  "the server can be started again": async (api) => {
    await vscode.commands.executeCommand("kibitz.restartServer");
    await until(() => api.tracker.state.kind !== "ready", () => "still ready");
    await until(() => api.tracker.state.kind === "ready", () => JSON.stringify(api.tracker.state));
  },
};

export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension<Api>("kibitz.kibitz");
  assert(extension !== undefined, "the extension is not installed");
  const api = await extension.activate();
  const lines: string[] = [];
  let failed = 0;
  for (const [name, journey] of Object.entries({ ...journeys, ...commands })) {
    try {
      await journey(api);
      lines.push(`ok - ${name}`);
    } catch (error) {
      failed += 1;
      lines.push(`not ok - ${name}`, error instanceof Error ? (error.stack ?? error.message) : String(error));
      if (api.tracker.state.kind === "stopped") {
        break; // without a server the others only wait
      }
    }
  }
  // What is written to the console does not all arrive at the page.
  await writeFile(process.env["EDITOR_TEST_RESULTS"] ?? "results.txt", lines.join("\n"));
  assert.equal(failed, 0);
}

/** What a request of the host's chat is told. */
class Told {
  text = "";
  readonly anchors: unknown[] = [];
  readonly references: unknown[] = [];
  constructor(private readonly onText: () => void = () => undefined) {}
  markdown(value: vscode.MarkdownString): void {
    assert(!value.isTrusted && !value.supportHtml, "an answer is trusted");
    this.text += value.value;
    this.onText();
  }
  anchor(value: unknown): void {
    this.anchors.push(value);
  }
  reference(value: unknown): void {
    this.references.push(value);
  }
}

/** Ask as the host's chat does. */
async function ask(
  api: Api,
  told: Told,
  prompt: string,
  history: readonly unknown[] = [],
  references: readonly { id: string; value: unknown }[] = [],
  token = new vscode.CancellationTokenSource().token,
): Promise<vscode.ChatResult> {
  const request = { prompt, references } as unknown as vscode.ChatRequest;
  const context = { history } as unknown as vscode.ChatContext;
  return (await api.respond(request, context, told as unknown as vscode.ChatResponseStream, token)) ?? {};
}

/** A question and its answer as the host keeps them; their constructors are not in its types. */
function turns(question: string, text: string, result: vscode.ChatResult): unknown[] {
  const Asked = vscode.ChatRequestTurn as unknown as new (...args: unknown[]) => unknown;
  const Said = vscode.ChatResponseTurn as unknown as new (...args: unknown[]) => unknown;
  const part = new vscode.ChatResponseMarkdownPart(text);
  return [new Asked(question, undefined, [], "kibitz.chat", []), new Said([part], result, "kibitz.chat")];
}

/** Open a file of the folder, with some text put at its end, and the cursor behind it. */
async function open(path: string, added = ""): Promise<vscode.TextEditor> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert(folder !== undefined, "no folder is open");
  const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, path));
  const editor = await vscode.window.showTextDocument(document);
  if (added !== "") {
    await editor.edit((edit) => edit.insert(end(document), added));
    editor.selection = new vscode.Selection(end(document), end(document));
  }
  return editor;
}

/** The servers that this extension host has started (on Linux; elsewhere none are found). */
async function serverProcesses(): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc").catch(() => [])) {
    const status = /^\d+$/.test(name) ? await readFile(`/proc/${name}/status`, "utf8").catch(() => "") : "";
    if (new RegExp(`^PPid:\\s+${process.pid}$`, "m").test(status)) {
      const words = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
      if (words.includes("kibitz.server")) {
        found.push(Number(name));
      }
    }
  }
  assert(found.length > 0, "no server was found to end");
  return found;
}

/** What accepting the ghost text at the cursor inserts; "" when none shows within some seconds. */
async function ghostText(editor: vscode.TextEditor): Promise<string> {
  const before = editor.document.getText();
  await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
  for (let round = 0; round < 20 && editor.document.getText() === before; round += 1) {
    await pause(250);
    await vscode.commands.executeCommand("editor.action.inlineSuggest.commit");
  }
  return editor.document.getText().slice(before.length);
}

function end(document: vscode.TextDocument): vscode.Position {
  return document.lineAt(document.lineCount - 1).range.end;
}

async function until(fact: () => boolean, told: () => string): Promise<void> {
  for (let round = 0; round < 600; round += 1) {
    if (fact()) {
      return;
    }
    await pause(100);
  }
  throw new Error(`waited in vain: ${told()}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
