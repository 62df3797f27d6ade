// The conversation: what was asked and answered, and the view that shows it.
import { randomBytes, randomUUID } from "node:crypto";
import * as vscode from "vscode";
import type { Range } from "vscode-languageclient";

import * as protocol from "./protocol.js";
import { refuseUntrusted, type Server } from "./server.js";
import { sentence } from "./serverCommand.js";
import type { CodeAction, FromPage, Shown, ToPage } from "./webview/messages.js";

/** What is selected in the editor, to go with a question. */
export interface Attached {
  readonly label: string;
  readonly attachment: protocol.Attachment;
}

export class Conversation implements vscode.WebviewViewProvider {
  static readonly view = "kibitz.chat";
  private shown: Shown[] = [];
  private session = newSession();
  private view: vscode.WebviewView | undefined;
  private running: vscode.CancellationTokenSource | undefined;

  constructor(
    private readonly server: Server,
    private readonly extension: vscode.Uri,
    private readonly actOnCode: (action: CodeAction, text: string) => Promise<void>,
  ) {}

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    const media = vscode.Uri.joinPath(this.extension, "media");
    const dist = vscode.Uri.joinPath(this.extension, "dist");
    view.webview.options = { enableScripts: true, localResourceRoots: [media, dist] };
    view.webview.onDidReceiveMessage((message: FromPage) => void this.receive(message));
    view.onDidDispose(() => (this.view = undefined));
    view.webview.html = page(
      view.webview,
      view.webview.asWebviewUri(vscode.Uri.joinPath(dist, "webview.js")),
      view.webview.asWebviewUri(vscode.Uri.joinPath(media, "chat.css")),
    );
  }

  /** Ask, show the answer as it arrives, and resolve with its text when it is there (undefined: none came). */
  async ask(question: string, attached?: Attached): Promise<string | undefined> {
    const about = attached?.label ?? "";
    const answer: Shown = {
      ...{ question, about, text: "", citations: [], sources: [] },
      ...{ state: "streaming", unfinished: false, notes: [] },
    };
    const attachments = attached === undefined ? [] : [attached.attachment];
    return this.fill(answer, { question, attachments, ...editorNow(question) });
  }

  /** Ask for the rest of the last answer. */
  async goOn(): Promise<string | undefined> {
    const answer = this.shown.at(-1);
    return answer?.unfinished === true ? this.fill(answer, { goOn: true, attachments: [] }) : undefined;
  }

  private async fill(
    answer: Shown,
    wanted: Omit<protocol.ChatParams, "session" | "partialResultToken">,
  ): Promise<string | undefined> {
    if (!vscode.workspace.isTrusted) {
      await refuseUntrusted();
      return undefined;
    }
    this.cancel();
    const running = new vscode.CancellationTokenSource();
    this.running = running;
    if (!this.shown.includes(answer)) {
      this.shown.push(answer);
    }
    const before = answer.text;
    Object.assign(answer, { state: "streaming", unfinished: false, notes: [] });
    this.post({ kind: "turns", turns: this.shown });
    await vscode.commands.executeCommand(`${Conversation.view}.focus`);
    try {
      const params = { ...wanted, session: this.session, partialResultToken: randomUUID() };
      const result = await this.server.stream(protocol.chat, params, (text) => this.grow(answer, text), running.token);
      const citations = [...answer.citations, ...result.citations];
      Object.assign(answer, { text: before + result.text, citations, sources: result.sources, state: "done" });
      answer.unfinished = result.finish_reason === "length";
      answer.notes = [...result.notes, ...(answer.unfinished ? ["The answer was cut at the model's limit."] : [])];
      return answer.text;
    } catch (error) {
      const cancelled = running.token.isCancellationRequested;
      answer.state = cancelled ? "cancelled" : "failed";
      answer.unfinished = answer.text !== "";
      answer.notes = [cancelled ? "Stopped." : sentence(error)];
      return undefined;
    } finally {
      running.dispose();
      if (this.running === running) {
        this.running = undefined;
      }
      this.post({ kind: "turns", turns: this.shown });
    }
  }

  /** Stop the answer that is on its way, if there is one. */
  cancel(): void {
    this.running?.cancel();
  }

  /** Begin a new conversation; the one so far stays among the kept ones. */
  clear(): void {
    this.cancel();
    this.shown = [];
    this.session = newSession();
    this.post({ kind: "turns", turns: this.shown });
  }

  /** Let the user choose one of the kept conversations, and go on with it. */
  async choose(): Promise<void> {
    const { sessions = [] } = await this.server.request(protocol.sessions, {});
    const items = sessions.map((each) => ({
      label: each.title,
      description: new Date(each.at * 1000).toLocaleString(),
      id: each.id,
      buttons: [{ iconPath: new vscode.ThemeIcon("trash"), tooltip: "Delete" }],
    }));
    const pick = vscode.window.createQuickPick<(typeof items)[number]>();
    pick.items = items;
    pick.placeholder = items.length === 0 ? "No conversation is kept yet" : "Go on with a conversation";
    pick.onDidTriggerItemButton(async ({ item }) => {
      await this.server.request(protocol.sessions, { id: item.id, delete: true });
      pick.items = pick.items.filter((each) => each !== item);
    });
    pick.onDidAccept(() => {
      const chosen = pick.selectedItems[0];
      pick.hide();
      if (chosen !== undefined) {
        void this.show(chosen.id);
      }
    });
    pick.onDidHide(() => pick.dispose());
    pick.show();
  }

  /** Show a kept conversation. */
  async show(id: string): Promise<void> {
    const { session } = await this.server.request(protocol.sessions, { id });
    this.cancel();
    this.session = id;
    this.shown = paired(session?.turns ?? []);
    await vscode.commands.executeCommand(`${Conversation.view}.focus`);
    this.post({ kind: "turns", turns: this.shown });
  }

  private grow(answer: Shown, text: string): void {
    if (answer.state === "streaming") {
      answer.text += text;
      this.post({ kind: "delta", turn: this.shown.indexOf(answer), text });
    }
  }

  private post(message: ToPage): void {
    void this.view?.webview.postMessage(message);
  }

  private async receive(message: FromPage): Promise<void> {
    switch (message.kind) {
      case "ready":
        this.post({ kind: "turns", turns: this.shown });
        break;
      case "ask":
        await this.ask(message.question);
        break;
      case "cancel":
        this.cancel();
        break;
      case "goOn":
        await this.goOn();
        break;
      case "complete":
        await this.complete(message.text);
        break;
      case "code":
        await this.actOnCode(message.action, message.text);
        break;
      case "open":
        await this.open(message);
        break;
    }
  }

  /** What may follow in the question. */
  private async complete(text: string): Promise<void> {
    const { items } = await this.server.request(protocol.mentions, { text }).catch(() => ({ items: [] }));
    this.post({ kind: "suggestions", text, items });
  }

  /** Open lines of a file; the page can name only files that an answer cites or that were in its prompt. */
  private async open(to: { path: string; start_line: number; end_line: number }): Promise<void> {
    const places = this.shown.flatMap((turn) => [...turn.citations, ...turn.sources]);
    const known = places.find((place) => place.path === to.path);
    if (known !== undefined) {
      await reveal(vscode.Uri.parse(known.uri, true), Math.max(1, to.start_line), Math.max(1, to.end_line));
    }
  }
}

/** The sessions' ids are ours, so that an answer that is stopped is found again. */
export function newSession(): string {
  return randomBytes(8).toString("hex");
}

/** What the server may need of the editor for a question's mentions and prompts. */
export function editorNow(question: string): Pick<protocol.ChatParams, "selection" | "textDocument" | "diagnostics"> {
  if (!question.includes("@") && !question.startsWith("/")) {
    return {};
  }
  const selection = selected()?.attachment;
  const document = vscode.window.activeTextEditor?.document;
  const diagnostics = vscode.languages.getDiagnostics().map(([uri, found]) => ({
    uri: uri.toString(),
    diagnostics: found.slice(0, 100).map((each) => ({
      range: plain(each.range),
      severity: each.severity + 1,
      message: each.message,
    })),
  }));
  return {
    ...(selection === undefined ? {} : { selection }),
    ...(document === undefined ? {} : { textDocument: { uri: document.uri.toString() } }),
    diagnostics: diagnostics.filter((each) => each.diagnostics.length > 0),
  };
}

/** The turns of a kept conversation as questions with their answers. */
function paired(turns: readonly protocol.Said[]): Shown[] {
  const shown: Shown[] = [];
  for (const turn of turns) {
    const last = shown.at(-1);
    if (turn.role === "user") {
      shown.push({
        ...{ question: turn.text, about: "", text: "", citations: [], sources: [] },
        ...{ state: "done", unfinished: false, notes: [] },
      });
    } else if (last !== undefined) {
      Object.assign(last, { text: turn.text, citations: turn.citations, unfinished: turn.finish_reason !== "stop" });
    }
  }
  return shown;
}

/** What is selected in the active editor, if anything is. */
export function selected(): Attached | undefined {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined || editor.selection.isEmpty) {
    return undefined;
  }
  const { document, selection } = editor;
  const last = selection.end.line + (selection.end.character === 0 ? 0 : 1);
  return {
    label: `${vscode.workspace.asRelativePath(document.uri)}:${selection.start.line + 1}-${last}`,
    attachment: { textDocument: { uri: document.uri.toString() }, range: plain(selection) },
  };
}

/** A range as the protocol has it. */
export function plain({ start, end }: vscode.Range): Range {
  return {
    start: { line: start.line, character: start.character },
    end: { line: end.line, character: end.character },
  };
}

/** Show lines (1-based, the last included) of a file, selected. */
export async function reveal(
  uri: vscode.Uri,
  startLine: number,
  endLine: number,
  options: vscode.TextDocumentShowOptions = {},
): Promise<void> {
  try {
    const document = await vscode.workspace.openTextDocument(uri);
    const last = document.lineAt(Math.min(endLine, document.lineCount) - 1);
    const first = new vscode.Position(Math.min(startLine, document.lineCount) - 1, 0);
    const selection = new vscode.Range(first, last.range.end);
    const editor = await vscode.window.showTextDocument(document, { preview: true, ...options, selection });
    editor.revealRange(selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  } catch (error) {
    void vscode.window.showErrorMessage(`Kibitz: ${sentence(error)}`);
  }
}

function page(webview: vscode.Webview, script: vscode.Uri, style: vscode.Uri): string {
  const nonce = randomBytes(16).toString("base64");
  const policy = `default-src 'none'; base-uri 'none'; form-action 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style.toString()}">
<title>Kibitz</title>
</head>
<body>
<main id="turns" aria-label="Conversation"></main>
<div id="said" role="status" class="offscreen"></div>
<form id="form">
<ul id="suggestions" role="listbox" aria-label="Suggestions" hidden></ul>
<textarea id="question" rows="2" placeholder="Ask; @ mentions, / prompts" aria-label="Question"
 aria-description="Enter asks, Shift+Enter begins a line, Alt+Up goes to the answers, Escape stops one."
 aria-haspopup="listbox" aria-controls="suggestions" aria-autocomplete="list"></textarea>
<button id="send" type="submit" title="Ask (Enter)">Ask</button>
<button id="stop" type="button" title="Stop (Escape)" hidden>Stop</button>
</form>
<script nonce="${nonce}" src="${script.toString()}"></script>
</body>
</html>`;
}
