// The server's own commands, as code actions run them: with progress, and with a word when nothing came of it.
import * as vscode from "vscode";

/** Those that may run where the workspace is not trusted. */
const CALLS_NO_MODEL: ReadonlySet<string> = new Set([
  "kibitz.search",
  "kibitz.index",
  "kibitz.status",
  "kibitz.acceptHunk",
  "kibitz.rejectHunk",
  "kibitz.acceptAll",
  "kibitz.rejectAll",
]);

/** Whether a command may run here. */
export function allowed(command: string): boolean {
  return vscode.workspace.isTrusted || CALLS_NO_MODEL.has(command);
}

/** Run a command of the server; trouble is shown as the sentence that the server gives. */
export function runShown(run: () => vscode.ProviderResult<unknown>): Thenable<unknown> {
  const options = { location: vscode.ProgressLocation.Window, title: "Kibitz" };
  return vscode.window.withProgress(options, async () => {
    try {
      const result: unknown = await run();
      const reason = (result as { failureReason?: string } | null | undefined)?.failureReason;
      if (reason !== undefined) {
        void vscode.window.showWarningMessage(`Kibitz: ${reason}`);
      }
      return result;
    } catch (error) {
      void vscode.window.showErrorMessage(`Kibitz: ${sentence(error)}`);
      return undefined;
    }
  });
}

/** What went wrong, on one line. */
export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0] ?? text;
}
