// The server's process and the connection to it: start, stop, restart.
import { homedir } from "node:os";
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  ErrorCodes,
  LanguageClient,
  type LanguageClientOptions,
  type RequestType,
  ResponseError,
  RevealOutputChannelOn,
  State as ClientState,
  TransportKind,
} from "vscode-languageclient/node";

import { Crashes } from "./backoff.js";
import type { Installed } from "./environment.js";
import { findServer, type Found, PRIVATE } from "./launch.js";
import { thisMachine } from "./machine.js";
import { initializationOptions, serverEnvironment } from "./options.js";
import { INSTALL, offer, openSetting, RESTART, SHOW, tell } from "./message.js";
import * as protocol from "./protocol.js";
import { allowed, runShown, sentence } from "./serverCommand.js";
import { choices, ghostTextEnabled, serverSettings } from "./settings.js";
import { UNTRUSTED } from "./thread.js";
import { StateTracker } from "./tracker.js";

const BROKEN_OFF: ReadonlySet<number> = new Set([
  ErrorCodes.MessageWriteError,
  ErrorCodes.MessageReadError,
  ErrorCodes.PendingResponseRejected,
  ErrorCodes.ConnectionInactive,
]);

/** The library's own pop-ups would repeat ours, in its words; what it has to say goes to the output. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown, _showNotification?: boolean | "force"): void {
    super.error(message, data, false);
  }
}

/** The server that the extension has installed itself, if there is one. */
export interface OwnServer {
  installed(): Installed | undefined;
  /** It runs now. */
  started(installed: Installed): void;
}

export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private turn: Promise<void> = Promise.resolve();
  private readonly crashes = new Crashes();
  /** Set while a server that crashed waits to be started again. */
  private waiting: NodeJS.Timeout | undefined;
  private ran = false;

  constructor(
    private readonly output: vscode.LogOutputChannel,
    private readonly apiKey: () => Thenable<string | undefined>,
    private readonly tracker: StateTracker,
    private readonly own: OwnServer,
  ) {}

  /** Stop what runs and start anew with the settings as they are; calls wait for one another. */
  restart(whileStopped: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    return this.next(async () => {
      await this.stopClient();
      this.crashes.forget();
      try {
        await whileStopped();
      } finally {
        await this.startClient(false);
      }
    });
  }

  /** Stop for good. */
  stop(): Promise<void> {
    return this.next(() => this.stopClient());
  }

  /** One change of the connection after the other; one that fails must not block those behind it. */
  private next(change: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(change).catch((error: unknown) => this.output.error(sentence(error)));
    return this.turn;
  }

  dispose(): void {
    void this.stop();
  }

  get running(): boolean {
    return this.client?.state === ClientState.Running;
  }

  /** Send a request; rejects with one sentence when there is no server. */
  async request<P, R>(type: RequestType<P, R, void>, params: P, token?: vscode.CancellationToken): Promise<R> {
    const client = this.runningClient();
    // An undefined token would be sent as a second parameter.
    return token === undefined ? client.sendRequest<R>(type.method, params) : client.sendRequest<R>(type.method, params, token);
  }

  /** Send a request whose answer arrives piece by piece under the token that stands in its params. */
  async stream<P extends { readonly partialResultToken: string }, R>(
    type: RequestType<P, R, void>,
    params: P,
    onDelta: (text: string, diff: string | undefined) => void,
    token: vscode.CancellationToken,
  ): Promise<R> {
    const client = this.runningClient();
    const listening = client.onProgress(protocol.delta, params.partialResultToken, (value) => onDelta(value.delta, value.diff));
    try {
      return await client.sendRequest<R>(type.method, params, token);
    } finally {
      listening.dispose();
    }
  }

  /** Stop the rounds of indexing that are under way. */
  async cancelIndexing(): Promise<void> {
    const client = this.runningClient();
    for (const token of this.tracker.indexing) {
      await client.sendNotification("window/workDoneProgress/cancel", { token });
    }
  }

  private runningClient(): LanguageClient {
    if (this.client === undefined || !this.running) {
      throw new Error("The Kibitz server is not running: see Kibitz: Show Output, then Kibitz: Restart Server.");
    }
    return this.client;
  }

  private async startClient(again: boolean): Promise<void> {
    const own = this.own.installed();
    const found = findServer(serverSettings(), thisMachine(), own?.python);
    if (found.kind === "missing") {
      this.tracker.set({ kind: "stopped", reason: found.reason });
      if (found.installable) {
        void offer(found.reason, INSTALL, openSetting(found.setting));
      } else {
        void tell(found.reason, openSetting(found.setting), SHOW);
      }
      return;
    }
    this.tracker.set({ kind: "starting" });
    this.output.info(`Starting ${found.command} (from ${found.source})`);
    const client = this.newClient(found, await this.apiKey());
    this.client = client;
    this.ran = false;
    client.onNotification(protocol.statusChanged, (notice) => {
      if (this.tracker.fromNotice(notice)) {
        this.refreshStatus(client);
      }
    });
    client.onDidChangeState(({ newState }) => this.clientChanged(client, newState));
    try {
      await client.start();
      if (own !== undefined && found.source === PRIVATE) {
        this.own.started(own);
      }
    } catch (error) {
      const reason = `The Kibitz server could not be started: ${brokenOff(error) ? "it ended at once." : sentence(error)}`;
      this.output.error(reason);
      if (again) {
        this.recover();
        return;
      }
      this.tracker.set({ kind: "stopped", reason });
      const setting = found.source.startsWith("kibitz.") ? found.source : "kibitz.server.interpreter";
      void tell(reason, found.source === PRIVATE ? INSTALL : openSetting(setting), SHOW);
    }
  }

  /** A start, a stop or the restart after a crash. */
  private clientChanged(client: LanguageClient, state: ClientState): void {
    if (this.client !== client) {
      return;
    }
    if (state === ClientState.Stopped) {
      if (this.waiting === undefined && this.tracker.state.kind !== "stopped") {
        this.tracker.set({ kind: "stopped", reason: "The server has stopped." });
      }
    } else if (state === ClientState.Starting) {
      this.tracker.set({ kind: "starting" });
    } else if (state === ClientState.Running) {
      this.ran = true;
      void vscode.commands.executeCommand("setContext", "kibitz.serverRuns", true); // ticks the walkthrough's step
      this.refreshStatus(client);
    }
  }

  private refreshStatus(client: LanguageClient): void {
    client.sendRequest(protocol.status, {}).then(
      (status) => this.tracker.fromStatus(status),
      (error: unknown) => {
        if (this.client === client && this.running) {
          this.tracker.set({ kind: "error", reason: sentence(error) });
        }
      },
    );
  }

  private newClient(found: Found, apiKey: string | undefined): LanguageClient {
    const clientOptions: LanguageClientOptions = {
      documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
      outputChannel: this.output,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: initializationOptions(choices()),
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => this.afterCrash(),
      },
      middleware: {
        provideInlineCompletionItems: (document, position, context, token, next) =>
          ghostTextEnabled(document)
            ? this.tracker.wait(Promise.resolve(next(document, position, context, token)))
            : undefined,
        // Other servers know the symbols, too: ours are shown by our own search.
        provideWorkspaceSymbols: () => undefined,
        // Where the workspace is not trusted, nothing that may call a model is offered.
        provideCodeActions: (document, range, context, token, next) =>
          vscode.workspace.isTrusted ? next(document, range, context, token) : undefined,
        executeCommand: (command, args, next) =>
          allowed(command) ? runShown(() => next(command, args)) : void refuseUntrusted(),
        handleWorkDoneProgress: (token, params, next) => {
          if (!this.tracker.fromProgress(token, params)) {
            next(token, params);
          }
        },
      },
    };
    const env = serverEnvironment(process.env, apiKey) as Record<string, string>;
    const executable = {
      command: found.command,
      args: [...found.args],
      transport: TransportKind.stdio,
      // Never the opened folder: what lies there must not be imported or started.
      options: { env, cwd: homedir() },
    };
    return new QuietClient("kibitz", "Kibitz", executable, clientOptions);
  }

  private afterCrash(): { action: CloseAction; handled: boolean } {
    if (this.ran) {
      this.ran = false;
      this.recover();
    }
    // One that never started is told of where it was started; the library itself would start it at once.
    return { action: CloseAction.DoNotRestart, handled: true };
  }

  /** Start again after a crash, each time after a longer wait, but not for ever. */
  private recover(): void {
    const wait = this.crashes.waitAfter(Date.now());
    if (wait === undefined) {
      const reason = "The Kibitz server stopped again and again and is left stopped: see the output, then restart it.";
      this.tracker.set({ kind: "stopped", reason });
      void tell(reason, RESTART, SHOW);
      return;
    }
    this.output.warn(`The server stopped unexpectedly and is started again in ${wait / 1_000} s.`);
    this.tracker.set({ kind: "starting" });
    this.waiting = setTimeout(() => {
      void this.next(async () => {
        if (this.waiting === undefined) {
          return; // restarted by hand, or stopped, meanwhile
        }
        await this.stopClient();
        await this.startClient(true);
      });
    }, wait);
  }

  private async stopClient(): Promise<void> {
    clearTimeout(this.waiting);
    this.waiting = undefined;
    const client = this.client;
    this.client = undefined;
    if (client === undefined) {
      return;
    }
    try {
      await client.dispose(5_000);
    } catch (error) {
      // A server that did not start, or does not answer, is ended with its process.
      this.output.warn(`While the server was stopped: ${sentence(error)}`);
    }
  }
}

/** Say why nothing happens in a workspace that is not trusted. */
export async function refuseUntrusted(): Promise<void> {
  const manage = "Manage Trust";
  const choice = await vscode.window.showWarningMessage(
    UNTRUSTED,
    manage,
  );
  if (choice === manage) {
    await vscode.commands.executeCommand("workbench.trust.manage");
  }
}

/** Whether the connection broke, instead of an answer that says why. */
function brokenOff(error: unknown): boolean {
  return error instanceof ResponseError && BROKEN_OFF.has(error.code as number);
}
