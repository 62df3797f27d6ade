// The prompt that a completion at the cursor would have: what is in it, why, and what another budget would leave out.
import * as vscode from "vscode";

import * as protocol from "./protocol.js";
import type { Server } from "./server.js";
import { sentence } from "./serverCommand.js";

/** Show the prompt of a completion at the cursor, or of a question, on a page of its own. */
export async function showPrompt(server: Server): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const question = await vscode.window.showInputBox({
    title: "Kibitz: Show Prompt",
    prompt: editor === undefined ? "The question" : "The question; nothing for a completion at the cursor",
  });
  if (question === undefined || (question.trim() === "" && editor === undefined)) {
    return;
  }
  try {
    const { html } = await server.request(protocol.prompt, wanted(question.trim(), editor));
    const panel = vscode.window.createWebviewPanel("kibitz.prompt", "Prompt", vscode.ViewColumn.Beside, {
      enableScripts: true, // the slider; the page's own, which loads nothing
      localResourceRoots: [],
    });
    panel.webview.html = html;
  } catch (error) {
    void vscode.window.showErrorMessage(`Kibitz: ${sentence(error)}`);
  }
}

function wanted(question: string, editor: vscode.TextEditor | undefined): protocol.PromptParams {
  if (question !== "" || editor === undefined) {
    return { kind: "ask", question, html: true };
  }
  const { line, character } = editor.selection.active;
  const textDocument = { uri: editor.document.uri.toString() };
  return { kind: "complete", textDocument, position: { line, character }, html: true };
}
