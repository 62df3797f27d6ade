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
