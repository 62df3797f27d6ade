// The item in the status bar, and what a click on it offers.
import * as vscode from "vscode";

import * as protocol from "./protocol.js";
import { sentence, type Server } from "./server.js";
import { look, stateOf } from "./status.js";
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
  let detail = look(tracker.state).tooltip;
  if (server.running) {
    try {
      const status = await server.request(protocol.status, {});
      tracker.fromStatus(status);
      const model = status.model ?? "none has been asked yet";
      detail = `${look(stateOf(status)).tooltip} Model: ${model}.`;
    } catch (error) {
      detail = sentence(error);
    }
  }
  const actions: Record<string, string> = {
    "Index Workspace": "kibitz.indexWorkspace",
    "Restart Server": "kibitz.restartServer",
    "Show Output": "kibitz.showOutput",
  };
  const choice = await vscode.window.showInformationMessage(`Kibitz: ${detail}`, ...Object.keys(actions));
  const command = choice === undefined ? undefined : actions[choice];
  if (command !== undefined) {
    await vscode.commands.executeCommand(command);
  }
}
