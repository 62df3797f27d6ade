// Edit what is selected, a definition or several files as an instruction says; the server applies it through the editor.
import { randomUUID } from "node:crypto";
import * as vscode from "vscode";

import { plain } from "./chat.js";
import { EditPreview } from "./editPreview.js";
import * as protocol from "./protocol.js";
import { definitionAt } from "./search.js";
import { refuseUntrusted, type Server } from "./server.js";
import { sentence } from "./serverCommand.js";

const MOST_FILES = 2_000;
const WHOLE_FILE: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("file"), tooltip: "The whole file" };
const DEFINITION: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("symbol-method"), tooltip: "The definition" };

/** Lines that may change, and what a person calls them. */
interface Target {
  readonly name: string;
  readonly range: vscode.Range;
}

let running: vscode.CancellationTokenSource | undefined;

/** Stop the edit that is being written, if there is one. */
export function stopEdit(): void {
  running?.cancel();
}

/**
 * Ask for an instruction (unless one is given) and carry it out on what is selected, else on the definition around the
 * cursor, else on the whole file; resolves with whether the document was changed.
 */
export async function editSelection(server: Server, given?: string): Promise<boolean> {
  const editor = await trustedEditor();
  if (editor === undefined) {
    return false;
  }
  try {
    const targets = await targetsOf(server, editor);
    const wanted = given === undefined ? await askFor(targets) : { instruction: given, target: targets[0] };
    if (wanted?.target === undefined || wanted.instruction.trim() === "") {
      return false;
    }
    const { document } = editor;
    const textDocument = { uri: document.uri.toString(), version: document.version };
    const params = { textDocument, range: plain(wanted.target.range), instruction: wanted.instruction, review: true };
    const preview = new EditPreview(editor, wanted.target.range);
    return await carryOut(server, params, (text, diff) => preview.take(text, diff)).finally(() => preview.dispose());
  } catch (error) {
    void vscode.window.showErrorMessage(`Kibitz: ${sentence(error)}`);
    return false;
  }
}

/** Let the user choose files, and change them as one instruction says; the editor shows the changes before they are made. */
export async function editFiles(server: Server, given?: { files: vscode.Uri[]; instruction: string }): Promise<boolean> {
  const editor = await trustedEditor();
  if (editor === undefined) {
    return false;
  }
  const files = given?.files ?? (await chooseFiles(editor.document.uri));
  if (files === undefined || files.length === 0) {
    return false;
  }
  const names = files.map((uri) => vscode.workspace.asRelativePath(uri));
  const prompt = `What should change in ${names.length > 3 ? `${names.length} files` : names.join(" and ")}?`;
  const instruction = given?.instruction ?? (await vscode.window.showInputBox({ title: "Kibitz: Edit Files", prompt }));
  if (instruction === undefined || instruction.trim() === "") {
    return false;
  }
  try {
    const [first, ...others] = await Promise.all(files.map((uri) => vscode.workspace.openTextDocument(uri)));
    if (first === undefined) {
      return false;
    }
    const refs = others.map(({ uri, version }) => ({ uri: uri.toString(), version }));
    const textDocument = { uri: first.uri.toString(), version: first.version };
    const params = { textDocument, files: refs, newFiles: true, renames: true, confirm: true, review: true, instruction };
    return await carryOut(server, params, () => undefined);
  } catch (error) {
    void vscode.window.showErrorMessage(`Kibitz: ${sentence(error)}`);
    return false;
  }
}

/** The active editor; without one, or where the workspace is not trusted, the user is told why nothing happens. */
async function trustedEditor(): Promise<vscode.TextEditor | undefined> {
  if (!vscode.workspace.isTrusted) {
    await refuseUntrusted();
    return undefined;
  }
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    void vscode.window.showInformationMessage("Kibitz: open a file, and select what should change.");
  }
  return editor;
}

async function carryOut(
  server: Server,
  params: Omit<protocol.EditParams, "partialResultToken" | "apply">,
  onDelta: (text: string, diff: string | undefined) => void,
): Promise<boolean> {
  stopEdit();
  const options = { location: vscode.ProgressLocation.Notification, title: "Kibitz edits", cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
    const stopping = new vscode.CancellationTokenSource();
    running = stopping;
    const listening = token.onCancellationRequested(() => stopping.cancel());
    let received = 0;
    const tell = (text: string, diff: string | undefined): void => {
      received += text.length;
      progress.report({ message: `${received} characters written` });
      onDelta(text, diff);
    };
    try {
      const asked = { ...params, partialResultToken: randomUUID(), apply: true };
      return told(await server.stream(protocol.edit, asked, tell, stopping.token));
    } catch (error) {
      if (!stopping.token.isCancellationRequested) {
        void vscode.window.showErrorMessage(`Kibitz: ${sentence(error)}`);
      }
      return false;
    } finally {
      listening.dispose();
      stopping.dispose();
      if (running === stopping) {
        running = undefined;
      }
    }
  });
}

/** What may be meant, the likeliest first. */
async function targetsOf(server: Server, { document, selection }: vscode.TextEditor): Promise<Target[]> {
  if (!selection.isEmpty) {
    return [{ name: linesOf(selection), range: selection }];
  }
  const whole = new vscode.Range(new vscode.Position(0, 0), document.lineAt(document.lineCount - 1).range.end);
  const file = { name: "this file", range: whole };
  const found = await definitionAt(server, document, selection.active);
  return found === undefined ? [file] : [{ name: `${found.name} (${linesOf(found.range)})`, range: found.range }, file];
}

function linesOf({ start, end }: vscode.Range): string {
  const first = start.line + 1;
  const last = end.line + (end.character === 0 ? 0 : 1);
  return first >= last ? `line ${first}` : `lines ${first}-${last}`;
}

/** Ask what should change; a button goes over from the definition to the whole file, and back. */
function askFor(targets: readonly Target[]): Promise<{ instruction: string; target: Target | undefined } | undefined> {
  const input = vscode.window.createInputBox();
  let chosen = 0;
  const show = (): void => {
    input.prompt = `What should change in ${targets[chosen]?.name ?? "this file"}?`;
    input.buttons = targets.length > 1 ? [chosen === 0 ? WHOLE_FILE : DEFINITION] : [];
  };
  input.title = "Kibitz: Edit";
  input.placeholder = "handle an empty list, add type annotations, …";
  input.onDidTriggerButton(() => {
    chosen = 1 - chosen;
    show();
  });
  show();
  input.show();
  return new Promise((resolve) => {
    input.onDidAccept(() => {
      resolve({ instruction: input.value, target: targets[chosen] });
      input.hide();
    });
    input.onDidHide(() => {
      resolve(undefined);
      input.dispose();
    });
  });
}

/** Let the user choose files: those that are open come first, the active one chosen already. */
async function chooseFiles(active: vscode.Uri): Promise<vscode.Uri[] | undefined> {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs.map((tab) => tab.input));
  const open = tabs.flatMap((input) => (input instanceof vscode.TabInputText ? [input.uri] : []));
  const others = await vscode.workspace.findFiles("**/*", undefined, MOST_FILES);
  const every = new Map([active, ...open, ...others].map((uri) => [uri.toString(), uri]));
  const items = [...every.values()].map((uri) => ({
    label: vscode.workspace.asRelativePath(uri),
    picked: uri.toString() === active.toString(),
    uri,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: "Kibitz: Edit Files",
    placeHolder: "Files that may change; new ones may be made beside them",
    canPickMany: true,
  });
  return chosen?.map(({ uri }) => uri);
}

function told(result: protocol.EditResult): boolean {
  if (result.applied) {
    vscode.window.setStatusBarMessage("$(check) Kibitz: the edit is in; undo takes it back", 5_000);
  } else {
    void vscode.window.showWarningMessage(`Kibitz: ${result.failureReason ?? "the edit was not applied."}`);
  }
  return result.applied;
}
