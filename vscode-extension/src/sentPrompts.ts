// The prompts that were sent last, as they were sent: the server keeps them in memory only, with placeholders for secrets.
import * as vscode from "vscode";

import * as protocol from "./protocol.js";
import type { Server } from "./server.js";
import { sentence } from "./serverCommand.js";

const MOST = 20;
const SCHEME = "kibitz-sent";
const TITLE_CHARS = 80;

export class SentPrompts implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly registered = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  constructor(private readonly server: Server) {}

  dispose(): void {
    this.registered.dispose();
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? "";
  }

  /** Let the user choose one, and show it as a text that cannot be changed. */
  async choose(): Promise<void> {
    try {
      const { prompts } = await this.server.request(protocol.sentPrompts, { last: MOST });
      if (prompts.length === 0) {
        void vscode.window.showInformationMessage("Kibitz: nothing has been sent since the server was started.");
        return;
      }
      const items = prompts.map((prompt) => ({ ...described(prompt), prompt }));
      const chosen = await vscode.window.showQuickPick(items, { title: "Kibitz: Sent Prompts", matchOnDetail: true });
      if (chosen !== undefined) {
        await this.show(chosen.prompt);
      }
    } catch (error) {
      void vscode.window.showErrorMessage(`Kibitz: ${sentence(error)}`);
    }
  }

  private async show(prompt: protocol.SentPrompt): Promise<void> {
    const path = `/prompt of ${timeOf(prompt).replaceAll(":", ".")}.md`;
    this.texts.set(path, textOf(prompt));
    const document = await vscode.workspace.openTextDocument(vscode.Uri.from({ scheme: SCHEME, path }));
    await vscode.window.showTextDocument(document, { preview: true });
  }
}

function described(prompt: protocol.SentPrompt): vscode.QuickPickItem {
  const last = prompt.messages?.at(-1)?.content ?? prompt.text ?? "";
  const line = last.trim().split("\n").at(-1) ?? "";
  return { label: timeOf(prompt), description: `${prompt.model} at ${prompt.endpoint}`, detail: line.slice(0, TITLE_CHARS) };
}

function timeOf({ at }: protocol.SentPrompt): string {
  return new Date(at * 1000).toLocaleTimeString();
}

function textOf({ messages, text }: protocol.SentPrompt): string {
  return text ?? (messages ?? []).map(({ role, content }) => `# ${role}\n\n${content}\n`).join("\n");
}
