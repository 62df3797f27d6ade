// Every command of the manifest, driven inside the extension host.
import assert from "node:assert/strict";
import * as vscode from "vscode";

import type { Api } from "../../src/extension.js";

type Drive = (api: Api) => Promise<void>;

const run = vscode.commands.executeCommand;

/** Commands that ask something first: begun, and given up before anything is answered. What they do with an answer is walked in the page. */
const ASKING = [
  "kibitz.askQuestion",
  "kibitz.chooseConversation",
  "kibitz.showPrompt",
  "kibitz.showSentPrompts",
  "kibitz.editSelection",
  "kibitz.editFiles",
  "kibitz.searchWorkspace",
  "kibitz.searchSymbols",
  "kibitz.setEndpoint",
  "kibitz.setApiKey",
  "kibitz.showStatus",
];

/** Commands that are driven by the suite itself, or in the page, since only that can answer a dialog. */
const ELSEWHERE = ["kibitz.newConversation", "kibitz.restartServer", "kibitz.toggleGhostText", "kibitz.rebuildIndex", "kibitz.installServer"];

const DRIVEN: Record<string, Drive> = {
  "kibitz.stopEdit": async (api) => {
    const editor = await open("shapes/area.py");
    const before = editor.document.getText();
    const edit = api.edit("Write slowly.");
    await pause(1_500);
    await run("kibitz.stopEdit");
    assert.equal(await edit, false);
    assert.equal(editor.document.getText(), before);
  },

  "kibitz.relatedCode": async () => {
    const editor = await open("shapes/area.py");
    editor.selection = new vscode.Selection(1, 0, 1, 0);
    const hits = await run<{ path: string }[]>("kibitz.relatedCode");
    await run("workbench.action.closeQuickOpen");
    const paths = hits.map(({ path }) => path);
    assert(paths.includes("shapes/report.py") && !paths.includes("shapes/area.py"), paths.join());
  },

  "kibitz.indexWorkspace": async (api) => {
    await run("kibitz.indexWorkspace");
    await until(() => api.tracker.state.kind === "ready");
  },

  "kibitz.cancelIndexing": async (api) => {
    await run("kibitz.cancelIndexing"); // nothing is under way: nothing happens
    assert.equal(api.tracker.state.kind, "ready");
  },

  "kibitz.showIndex": async () => void (await run("kibitz.showIndex")),
  "kibitz.refreshIndexView": async () => void (await run("kibitz.refreshIndexView")),

  "kibitz.explainFile": async () => {
    const told = await run<string>("kibitz.explainFile", inFolder("shapes/area.py"));
    assert.match(told, /^shapes\/area\.py is in the index in \d+ chunks?\b/);
    assert.match(await run<string>("kibitz.explainFile", inFolder("package-lock.json")), /left out by the rule “lock”/);
  },

  "kibitz.toggleGhostTextInLanguage": async () => {
    await open("main.py");
    const enabled = (languageId: string): boolean | undefined =>
      vscode.workspace.getConfiguration("kibitz", { languageId }).get<boolean>("inlineCompletion.enabled");
    await run("kibitz.toggleGhostTextInLanguage");
    assert.deepEqual([enabled("python"), enabled("json")], [false, true]);
    await run("kibitz.toggleGhostTextInLanguage");
    assert.deepEqual([enabled("python"), enabled("json")], [true, true]);
  },

  "kibitz.clearApiKey": async () => void (await run("kibitz.clearApiKey")),
  "kibitz.showOutput": async () => void (await run("kibitz.showOutput")),
};

export const commands: Record<string, Drive> = {
  "every command of the manifest is driven": async () => {
    const manifest = vscode.extensions.getExtension("kibitz.kibitz")?.packageJSON as {
      contributes: { commands: { command: string }[] };
    };
    const named = manifest.contributes.commands.map(({ command }) => command).sort();
    assert.deepEqual(named, [...Object.keys(DRIVEN), ...ASKING, ...ELSEWHERE].sort());
    const known = new Set(await vscode.commands.getCommands(true));
    assert.deepEqual(named.filter((command) => !known.has(command)), []);
  },

  ...Object.fromEntries(
    ASKING.map((command) => [
      `${command} asks, and does nothing when it is not answered`,
      async (): Promise<void> => {
        const editor = await open("shapes/area.py");
        const before = editor.document.getText();
        const asked = run(command);
        await pause(700);
        await run("workbench.action.closeQuickOpen");
        await asked;
        assert.equal(editor.document.getText(), before);
      },
    ]),
  ),
  ...Object.fromEntries(Object.entries(DRIVEN).map(([command, drive]) => [`${command} does what it says`, drive])),
};

function inFolder(path: string): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert(folder !== undefined, "no folder is open");
  return vscode.Uri.joinPath(folder.uri, path);
}

async function open(path: string): Promise<vscode.TextEditor> {
  return vscode.window.showTextDocument(await vscode.workspace.openTextDocument(inFolder(path)));
}

async function until(fact: () => boolean): Promise<void> {
  for (let round = 0; round < 300 && !fact(); round += 1) {
    await pause(100);
  }
  assert(fact(), "waited in vain");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
