// Installs the server for the user: one click, progress that can be cancelled, and the running server put in its place.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as vscode from "vscode";

import { candidates, explained, findInstalled, InstallError, type Installed, wheelFolder } from "./environment.js";
import { build, Cancelled, type Plan, remove, takePlace, tidy } from "./install.js";
import { thisMachine } from "./machine.js";
import { INSTALL_AGAIN, SHOW, tell } from "./message.js";
import type { OwnServer } from "./server.js";
import { sentence } from "./serverCommand.js";
import type { StateTracker } from "./tracker.js";

export class Installer implements OwnServer {
  private readonly root: string;
  private readonly version: string;
  private under: Promise<void> | undefined;
  private readonly abort = new AbortController();

  /** @param restart stops the server, does what it is given, and starts the server. */
  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly output: vscode.LogOutputChannel,
    private readonly tracker: StateTracker,
    private readonly restart: (whileStopped: () => Promise<void>) => Promise<void>,
  ) {
    this.root = join(context.globalStorageUri.fsPath, "server");
    this.version = (context.extension.packageJSON as { version: string }).version;
  }

  installed(): Installed | undefined {
    return findInstalled(this.root, foldersIn(this.root), this.version, thisMachine());
  }

  /** One of an older version works on until the new one is there; once that runs, the others go. */
  started({ current, version }: Installed): void {
    if (current) {
      void tidy(this.root, this.version).then((gone) => gone.length > 0 && this.output.info(`Removed ${gone.join(", ")}`));
    } else {
      this.output.info(`The server is of version ${version}; ${this.version} is being installed.`);
      void this.install();
    }
  }

  /** Install the server of the extension's version, anew where it is there; a second call waits for the first. */
  install(): Promise<void> {
    this.under ??= this.installShown().finally(() => (this.under = undefined));
    return this.under;
  }

  /** Call off what is under way, and wait until nothing is left of it. */
  async stop(): Promise<void> {
    this.abort.abort();
    await this.under;
  }

  private async installShown(): Promise<void> {
    const options = { location: vscode.ProgressLocation.Notification, title: "Installing the Kibitz server", cancellable: true };
    const former = this.tracker.state;
    try {
      await vscode.window.withProgress(options, async (progress, token) => {
        const cancel = new AbortController();
        token.onCancellationRequested(() => cancel.abort());
        if (former.kind === "stopped") {
          this.tracker.set({ kind: "installing" });
        }
        await this.installAndStart(progress, AbortSignal.any([cancel.signal, this.abort.signal]));
      });
    } catch (error) {
      if (this.tracker.state.kind === "installing") {
        this.tracker.set(former);
      }
      if (error instanceof Cancelled) {
        this.output.info("The installation was cancelled.");
        return;
      }
      const reason = error instanceof InstallError ? error.message : explained(sentence(error), undefined);
      this.output.error(reason);
      void tell(reason, INSTALL_AGAIN, SHOW);
    }
  }

  private async installAndStart(progress: vscode.Progress<{ message: string }>, signal: AbortSignal): Promise<void> {
    const already = this.installed()?.current === true;
    const told = { line: (text: string) => this.output.info(text), step: (message: string) => progress.report({ message }) };
    const folder = await build(this.plan(), told, signal);
    const overtaken = !already && this.installed()?.current === true; // by another window, whose server may run from it
    let failure: unknown;
    await this.restart(async () => {
      try {
        await (overtaken ? remove(folder) : takePlace(folder, this.root, this.version));
      } catch (error) {
        failure = error;
        await remove(folder);
      }
    });
    if (failure !== undefined) {
      throw failure;
    }
  }

  private plan(): Plan {
    const machine = thisMachine();
    const settings = vscode.workspace.getConfiguration("kibitz.server");
    const opened = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
    const bundled = join(this.context.extensionPath, "wheels");
    return {
      root: this.root,
      version: this.version,
      pythons: candidates(settings.get("python", "").trim(), opened, machine),
      wheels: wheelFolder(settings.get("wheels", "").trim(), existsSync(bundled) ? bundled : undefined, opened, machine),
      // The user's own: a workspace must not say through whom pip fetches.
      proxy: vscode.workspace.getConfiguration("http").inspect<string>("proxy")?.globalValue ?? "",
    };
  }
}

function foldersIn(root: string): string[] {
  try {
    return readdirSync(root);
  } catch {
    return [];
  }
}
