// The editor's settings as values.
import * as vscode from "vscode";

import type { ServerSettings } from "./launch.js";
import { type Choices, joined, type Levels, narrowed } from "./options.js";

/** A change of one of these needs another server. */
export const NEEDS_RESTART = ["kibitz.server", "kibitz.endpoint", "kibitz.model", "kibitz.index"] as const;

export function serverSettings(): ServerSettings {
  const settings = vscode.workspace.getConfiguration("kibitz.server");
  return { command: settings.get<string[]>("command", []), interpreter: settings.get("interpreter", "").trim() };
}

export function choices(): Choices {
  const settings = vscode.workspace.getConfiguration("kibitz");
  return {
    baseUrl: settings.get("endpoint.baseUrl", ""),
    chatModel: settings.get("model.chat", ""),
    completionModel: settings.get("model.completion", ""),
    trusted: vscode.workspace.isTrusted,
    further: settings.get<Record<string, unknown>>("server.settings", {}),
    ignore: joined(settings.inspect<readonly string[]>("index.ignore") as Levels<readonly string[]> | undefined),
  };
}

/** Whether ghost text may be asked for here: never where the workspace is not trusted. */
export function ghostTextEnabled(document: vscode.TextDocument): boolean {
  const settings = vscode.workspace.getConfiguration("kibitz", document);
  return (
    vscode.workspace.isTrusted &&
    narrowed(settings.inspect<boolean>("inlineCompletion.enabled") as Levels<boolean> | undefined)
  );
}

/** Turn ghost text on or off for the user, everywhere or in one language alone; returns how it stands now. */
export async function toggleGhostText(languageId?: string): Promise<boolean> {
  const settings = vscode.workspace.getConfiguration("kibitz", languageId === undefined ? undefined : { languageId });
  const levels = settings.inspect<boolean>("inlineCompletion.enabled");
  const everywhere = levels?.globalValue ?? levels?.defaultValue ?? true;
  const enabled = !(languageId === undefined ? everywhere : (levels?.globalLanguageValue ?? everywhere));
  const inLanguage = languageId !== undefined;
  await settings.update("inlineCompletion.enabled", enabled, vscode.ConfigurationTarget.Global, inLanguage);
  return enabled;
}
