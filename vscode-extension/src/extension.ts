// Builds everything by hand and connects it to the editor.
import * as vscode from "vscode";

import { ApiKey } from "./apiKey.js";
import { Conversation, selected } from "./chat.js";
import { actOnCode } from "./code.js";
import { editFiles, editSelection, stopEdit } from "./edit.js";
import { explainFile, IndexView, indexWorkspace } from "./indexView.js";
import { Installer } from "./installer.js";
import { registerParticipant, responder } from "./participant.js";
import { showPrompt } from "./prompt.js";
import * as protocol from "./protocol.js";
import { relatedCode, searchWorkspace } from "./search.js";
import { registerSearchTool } from "./searchTool.js";
import { SentPrompts } from "./sentPrompts.js";
import { Server } from "./server.js";
import { NEEDS_RESTART, toggleGhostText } from "./settings.js";
import { showStatus, statusItem } from "./statusItem.js";
import { StateTracker } from "./tracker.js";

/** What other extensions and the in-editor tests may use. */
export interface Api {
  readonly tracker: StateTracker;
  ask(question: string): Promise<string | undefined>;
  goOn(): Promise<string | undefined>;
  edit(instruction: string): Promise<boolean>;
  editFiles(files: vscode.Uri[], instruction: string): Promise<boolean>;
  search(query: string, k: number): Promise<readonly protocol.SearchHit[]>;
  /** What answers @kibitz in the host's own chat. */
  readonly respond: vscode.ChatRequestHandler;
}

let server: Server | undefined;
let installer: Installer | undefined;

export function activate(context: vscode.ExtensionContext): Api {
  const output = vscode.window.createOutputChannel("Kibitz", { log: true });
  const tracker = new StateTracker();
  const apiKey = new ApiKey(context.secrets);
  const installing = new Installer(context, output, tracker, (whileStopped) => running.restart(whileStopped));
  const running: Server = new Server(output, () => apiKey.get(), tracker, installing);
  const conversation = new Conversation(running, context.extensionUri, (action, text) => actOnCode(running, action, text));
  const sent = new SentPrompts(running);
  const indexView = new IndexView(running, tracker);
  server = running;
  installer = installing;

  const respond = responder(running);
  const restart = (): void => void running.restart();
  const commands: Record<string, (...args: never[]) => unknown> = {
    "kibitz.askQuestion": () => askQuestion(conversation),
    "kibitz.newConversation": () => conversation.clear(),
    "kibitz.chooseConversation": () => conversation.choose(),
    "kibitz.showPrompt": () => showPrompt(running),
    "kibitz.showSentPrompts": () => sent.choose(),
    "kibitz.editSelection": () => editSelection(running),
    "kibitz.editFiles": () => editFiles(running),
    "kibitz.stopEdit": () => stopEdit(),
    "kibitz.searchWorkspace": () => searchWorkspace(running),
    "kibitz.searchSymbols": () => searchWorkspace(running, "@"),
    "kibitz.relatedCode": () => relatedCode(running),
    "kibitz.indexWorkspace": () => indexWorkspace(running),
    "kibitz.rebuildIndex": () => indexWorkspace(running, true),
    "kibitz.cancelIndexing": () => running.cancelIndexing(),
    "kibitz.showIndex": () => vscode.commands.executeCommand(`${IndexView.view}.focus`),
    "kibitz.refreshIndexView": () => indexView.refresh(),
    "kibitz.explainFile": (uri?: vscode.Uri) => explainFile(running, uri),
    "kibitz.toggleGhostText": () => announceToggle(),
    "kibitz.toggleGhostTextInLanguage": () => announceToggle(vscode.window.activeTextEditor?.document.languageId),
    "kibitz.setEndpoint": () => setEndpoint(),
    "kibitz.setApiKey": () => setApiKey(apiKey),
    "kibitz.clearApiKey": () => apiKey.clear(),
    "kibitz.showStatus": () => showStatus(running, tracker),
    "kibitz.installServer": () => installing.install(),
    "kibitz.restartServer": restart,
    "kibitz.showOutput": () => output.show(),
  };
  context.subscriptions.push(
    output,
    statusItem(tracker),
    indexView,
    sent,
    vscode.window.registerWebviewViewProvider(Conversation.view, conversation),
    ...registerParticipant(context.extensionUri, respond),
    ...registerSearchTool(running),
    apiKey.onDidChange(restart),
    vscode.workspace.onDidGrantWorkspaceTrust(restart),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (NEEDS_RESTART.some((section) => change.affectsConfiguration(section))) {
        restart();
      }
    }),
    ...Object.entries(commands).map(([id, run]) => vscode.commands.registerCommand(id, run)),
  );
  restart();
  return {
    tracker,
    ask: (question) => conversation.ask(question),
    goOn: () => conversation.goOn(),
    edit: (instruction) => editSelection(running, instruction),
    editFiles: (files, instruction) => editFiles(running, { files, instruction }),
    search: async (query, k) => (await running.request(protocol.search, { query, k })).hits,
    respond,
  };
}

export async function deactivate(): Promise<void> {
  await installer?.stop();
  await server?.stop();
}

async function askQuestion(conversation: Conversation): Promise<void> {
  const attached = selected();
  const question = await vscode.window.showInputBox({
    title: "Kibitz: Ask",
    prompt: attached === undefined ? "What do you want to know about this codebase?" : `The question goes with ${attached.label}.`,
    placeHolder: "Where is the retry policy decided?",
  });
  if (question !== undefined && question.trim() !== "") {
    await conversation.ask(question.trim(), attached);
  }
}

async function announceToggle(languageId?: string): Promise<void> {
  const enabled = await toggleGhostText(languageId);
  const where = languageId === undefined ? "" : ` in ${languageId}`;
  vscode.window.setStatusBarMessage(`Kibitz: ghost text is ${enabled ? "on" : "off"}${where}`, 5_000);
}

/** Ask for the endpoint's address; an empty one lets the server look for one on this machine. */
async function setEndpoint(): Promise<void> {
  const settings = vscode.workspace.getConfiguration("kibitz");
  const url = await vscode.window.showInputBox({
    title: "Kibitz: Set Endpoint",
    prompt: "The base URL of an OpenAI-compatible endpoint; empty: one that listens on this machine is found by itself.",
    placeHolder: "http://127.0.0.1:11434/v1",
    value: settings.get("endpoint.baseUrl", ""),
    ignoreFocusOut: true, // the address is often copied from elsewhere
    validateInput: (text) =>
      text.trim() === "" || /^https?:\/\/[^/\s]+/.test(text.trim()) ? undefined : "An address begins with http:// or https://.",
  });
  if (url !== undefined) {
    await settings.update("endpoint.baseUrl", url.trim() || undefined, vscode.ConfigurationTarget.Global);
  }
}

/** A key alone names no endpoint: say so when there is none. */
async function setApiKey(apiKey: ApiKey): Promise<void> {
  const stored = await apiKey.ask();
  const endpoint = vscode.workspace.getConfiguration("kibitz").get("endpoint.baseUrl", "");
  if (stored && endpoint === "" && process.env["OPENAI_BASE_URL"] === undefined) {
    const name = "Set Endpoint";
    const choice = await vscode.window.showInformationMessage(
      "The key is stored. Kibitz sends it nowhere until an endpoint is named.",
      name,
    );
    if (choice === name) {
      await setEndpoint();
    }
  }
}
