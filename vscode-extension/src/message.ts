// Messages with buttons, each of which runs a command.
import * as vscode from "vscode";

/** A button below a message. */
export interface Action extends vscode.MessageItem {
  readonly command: string;
  readonly argument?: string;
}

export const INSTALL: Action = { title: "Install", command: "kibitz.installServer" };
export const INSTALL_AGAIN: Action = { title: "Try Again", command: "kibitz.installServer" };
export const RESTART: Action = { title: "Restart", command: "kibitz.restartServer" };
export const SHOW: Action = { title: "Show Output", command: "kibitz.showOutput" };

export function openSetting(setting: string): Action {
  return { title: "Open Setting", command: "workbench.action.openSettings", argument: setting };
}

/** Say what is wrong, with what can be done about it. */
export async function tell(reason: string, ...actions: readonly Action[]): Promise<void> {
  await follow(await vscode.window.showErrorMessage(reason, ...actions));
}

/** Say what can be done, where nothing is wrong. */
export async function offer(reason: string, ...actions: readonly Action[]): Promise<void> {
  await follow(await vscode.window.showInformationMessage(reason, ...actions));
}

async function follow(chosen: Action | undefined): Promise<void> {
  if (chosen !== undefined) {
    await vscode.commands.executeCommand(chosen.command, ...(chosen.argument === undefined ? [] : [chosen.argument]));
  }
}
