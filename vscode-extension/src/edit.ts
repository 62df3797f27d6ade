// Edit what is selected as an instruction says; the server applies the edit through the editor, as one undo step.
import { randomUUID } from "node:crypto";
import * as vscode from "vscode";

import { plain } from "./chat.js";
import * as protocol from "./protocol.js";
import { refuseUntrusted, type Server } from "./server.js";
import { sentence } from "./serverCommand.js";

/** Ask for an instruction (unless one is given) and carry it out; resolves with whether the document was changed. */
export async function editSelection(server: Server, given?: string): Promise<boolean> {
  if (!vscode.workspace.isTrusted) {
    await refuseUntrusted();
    return false;
  }
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    void vscode.window.showInformationMessage("Kibitz: open a file, and select what should change.");
    return false;
  }
  const { document, selection } = editor;
  const instruction = given ?? (await askFor(selection));
  if (instruction === undefined || instruction.trim() === "") {
    return false;
  }
  const options = { location: vscode.ProgressLocation.Notification, title: "Kibitz edits", cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
    let received = 0;
    const params = editParams(document, selection, instruction);
    const onDelta = (text: string): void => {
      received += text.length;
      progress.report({ message: `${received} characters written` });
    };
    try {
      const result = await server.stream(protocol.edit, params, onDelta, token);
      return told(result);
    } catch (error) {
      if (!token.isCancellationRequested) {
        void vscode.window.showErrorMessage(`Kibitz: ${sentence(error)}`);
      }
      return false;
    }
  });
}

/** Nothing selected means the whole file. */
function editParams(document: vscode.TextDocument, selection: vscode.Selection, instruction: string): protocol.EditParams {
  const end = document.lineAt(document.lineCount - 1).range.end;
  const range = selection.isEmpty ? new vscode.Range(new vscode.Position(0, 0), end) : selection;
  return {
    textDocument: { uri: document.uri.toString(), version: document.version },
    range: plain(range),
    instruction,
    partialResultToken: randomUUID(),
    apply: true,
    review: true,
  };
}

function askFor(selection: vscode.Selection): Thenable<string | undefined> {
  const first = selection.start.line + 1;
  const last = selection.end.line + (selection.end.character === 0 ? 0 : 1);
  const lines = first >= last ? `line ${first}` : `lines ${first}-${last}`;
  return vscode.window.showInputBox({
    title: "Kibitz: Edit Selection",
    prompt: `What should change in ${selection.isEmpty ? "this file" : lines}?`,
    placeHolder: "handle an empty list, add type annotations, …",
  });
}

function told(result: protocol.EditResult): boolean {
  if (result.applied) {
    vscode.window.setStatusBarMessage("$(check) Kibitz: the edit is in; undo takes it back", 5_000);
  } else {
    void vscode.window.showWarningMessage(`Kibitz: ${result.failureReason ?? "the edit was not applied."}`);
  }
  return result.applied;
}
