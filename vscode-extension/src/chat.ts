// The conversation: what was asked and answered, and the view that shows it.
import { randomBytes, randomUUID } from "node:crypto";
import * as vscode from "vscode";

import * as protocol from "./protocol.js";
import { refuseUntrusted, type Server } from "./server.js";
import { sentence } from "./serverCommand.js";
import type { FromPage, Shown, ToPage } from "./webview/messages.js";

/** What is selected in the editor, to go with a question. */
export interface Attached {
  readonly label: string;
  readonly attachment: protocol.Attachment;
}

export class Conversation implements vscode.WebviewViewProvider {
  static readonly view = "kibitz.chat";
  private shown: Shown[] = [];
  private view: vscode.WebviewView | undefined;
  private running: vscode.CancellationTokenSource | undefined;

  constructor(
    private readonly server: Server,
    private readonly extension: vscode.Uri,
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
    if (!vscode.workspace.isTrusted) {
      await refuseUntrusted();
      return undefined;
    }
    this.cancel();
    const running = new vscode.CancellationTokenSource();
    this.running = running;
    const history = this.history();
    const about = attached?.label ?? "";
    const answer: Shown = { question, about, text: "", citations: [], state: "streaming", note: "" };
    this.shown.push(answer);
    this.post({ kind: "turns", turns: this.shown });
    await vscode.commands.executeCommand(`${Conversation.view}.focus`);
    try {
      const attachments = attached === undefined ? [] : [attached.attachment];
      const params = { question, history, attachments, partialResultToken: randomUUID() };
      const result = await this.server.stream(protocol.chat, params, (text) => this.grow(answer, text), running.token);
      Object.assign(answer, { text: result.text, citations: result.citations, state: "done" });
      answer.note = result.finish_reason === "length" ? "The answer was cut at the model's limit." : "";
      return answer.text;
    } catch (error) {
      const cancelled = running.token.isCancellationRequested;
      answer.state = cancelled ? "cancelled" : "failed";
      answer.note = cancelled ? "Stopped." : sentence(error);
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

  /** Forget what was said. */
  clear(): void {
    this.cancel();
    this.shown = [];
    this.post({ kind: "turns", turns: this.shown });
  }

  private grow(answer: Shown, text: string): void {
    if (answer.state === "streaming") {
      answer.text += text;
      this.post({ kind: "delta", turn: this.shown.indexOf(answer), text });
    }
  }

  private history(): protocol.Turn[] {
    return this.shown
      .filter((turn) => turn.state === "done")
      .flatMap((turn) => [
        { role: "user" as const, content: turn.question },
        { role: "assistant" as const, content: turn.text },
      ]);
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
      case "open":
        await this.open(message);
        break;
    }
  }

  /** Open cited lines; the page can name only files that an answer cites. */
  private async open(to: { path: string; start_line: number; end_line: number }): Promise<void> {
    const known = this.shown.flatMap((turn) => turn.citations).find((citation) => citation.path === to.path);
    if (known !== undefined) {
      await reveal(vscode.Uri.parse(known.uri, true), to.start_line, to.end_line);
    }
  }
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
    attachment: { textDocument: { uri: document.uri.toString(), version: document.version }, range: plain(selection) },
  };
}

/** A range as the protocol has it. */
export function plain({ start, end }: vscode.Range): protocol.Attachment["range"] {
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
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
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
<main id="turns" aria-live="polite"></main>
<form id="form">
<textarea id="question" rows="2" placeholder="Ask about this codebase" aria-label="Question"></textarea>
<button id="send" type="submit">Ask</button>
<button id="stop" type="button" hidden>Stop</button>
</form>
<script nonce="${nonce}" src="${script.toString()}"></script>
</body>
</html>`;
}
