// What can be done with a piece of code that an answer holds.
import * as vscode from "vscode";

import { editSelection } from "./edit.js";
import type { Server } from "./server.js";
import type { CodeAction } from "./webview/messages.js";

/** Copy code, insert it at the cursor, or have the open file edited as it says. */
export async function actOnCode(server: Server, action: CodeAction, text: string): Promise<void> {
  if (action === "copy") {
    await vscode.env.clipboard.writeText(text);
    vscode.window.setStatusBarMessage("$(check) Kibitz: copied", 3_000);
    return;
  }
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    void vscode.window.showInformationMessage("Kibitz: open the file that the code is for.");
    return;
  }
  if (action === "insert") {
    const { insertSpaces, tabSize } = editor.options;
    await editor.edit((edit) => edit.replace(editor.selection, insertSpaces === false ? tabbed(text, Number(tabSize)) : text));
  } else {
    await editSelection(server, `Change the file so that it holds this code, in the place that it is for:\n\n${text}`);
  }
}

function tabbed(text: string, size: number): string {
  return text.replace(/^ +/gm, (blanks) => "\t".repeat(Math.floor(blanks.length / size)) + " ".repeat(blanks.length % size));
}
