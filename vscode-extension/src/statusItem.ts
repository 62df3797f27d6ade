// The item in the status bar, and what a click on it offers.
import * as vscode from "vscode";

import * as protocol from "./protocol.js";
import type { Server } from "./server.js";
import { sentence } from "./serverCommand.js";
import { factsOf, look } from "./status.js";
import type { StateTracker } from "./tracker.js";

const ERROR = new vscode.ThemeColor("statusBarItem.errorBackground");

export function statusItem(tracker: StateTracker): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("kibitz.status", vscode.StatusBarAlignment.Right, 90);
  item.name = "Kibitz";
  item.command = "kibitz.showStatus";
  const draw = (): void => {
    const { text, tooltip, level } = look(tracker.state);
    item.text = text;
    item.tooltip = tooltip;
    item.backgroundColor = level === "error" ? ERROR : undefined;
    item.accessibilityInformation = { label: `Kibitz: ${tooltip}` };
  };
  tracker.onChange(draw);
  draw();
  item.show();
  return item;
}

/** Show what the server says of itself, with what can be done about it. */
export async function showStatus(server: Server, tracker: StateTracker): Promise<void> {
  const facts = await told(server, tracker);
  const about = { label: "", kind: vscode.QuickPickItemKind.Separator };
  const items: Row[] = [...facts.map((label) => ({ label })), about, ...ACTIONS, ...(server.running ? [] : [INSTALL])];
  const chosen = await vscode.window.showQuickPick(items, { title: "Kibitz", placeHolder: look(tracker.state).tooltip });
  if (chosen?.command !== undefined) {
    await vscode.commands.executeCommand(chosen.command);
  }
}

interface Row extends vscode.QuickPickItem {
  readonly command?: string;
}

const ACTIONS: readonly Row[] = [
  { label: "$(sync) Index Workspace", command: "kibitz.indexWorkspace" },
  { label: "$(list-tree) Show the Index", command: "kibitz.showIndex" },
  { label: "$(lightbulb) Toggle Ghost Text", command: "kibitz.toggleGhostText" },
  { label: "$(lightbulb) Toggle Ghost Text in This Language", command: "kibitz.toggleGhostTextInLanguage" },
  { label: "$(debug-restart) Restart Server", command: "kibitz.restartServer" },
  { label: "$(output) Show Output", command: "kibitz.showOutput" },
];

const INSTALL: Row = { label: "$(cloud-download) Install Server", command: "kibitz.installServer" };

async function told(server: Server, tracker: StateTracker): Promise<string[]> {
  if (!server.running) {
    return [];
  }
  try {
    const status = await server.request(protocol.status, {});
    tracker.fromStatus(status);
    return factsOf(status);
  } catch (error) {
    return [sentence(error)];
  }
}
