// What is known of the server, and what the status item shows of it.
import { counted, sizeOf } from "./coverage.js";

/** What of the answer to kibitz/status is used here. */
export interface ServerStatus extends Notice {
  readonly index: IndexState;
  /** The chat model, once one was chosen. */
  readonly model: string | null;
  /** Each workspace folder's; `index` is that of the first. */
  readonly folders?: readonly { readonly index: IndexState }[];
}

export interface IndexState {
  readonly indexed: boolean;
  readonly files: number;
  readonly chunks: number;
  /** Bytes on disk. */
  readonly bytes: number;
  /** Files that were added, changed or removed since. */
  readonly behind: number;
}

/** The notification kibitz/status: sent when the state has changed; `state` is "ready", "indexing", "no_model" or "offline" (search works) or "error". */
export interface Notice {
  readonly state: string;
  readonly message: string;
}

/** A step of work-done progress. */
export type Step =
  | { readonly kind: "begin"; readonly title: string; readonly message?: string; readonly percentage?: number }
  | { readonly kind: "report"; readonly message?: string; readonly percentage?: number }
  | { readonly kind: "end"; readonly message?: string };

export type State =
  | { readonly kind: "starting" }
  | { readonly kind: "installing" }
  | { readonly kind: "stopped"; readonly reason: string }
  | { readonly kind: "indexing"; readonly percent: number | undefined; readonly phase: string }
  /** An answer of the model is waited for. */
  | { readonly kind: "waiting" }
  /** Search works; there is no model to ask, or it does not answer. */
  | { readonly kind: "offline"; readonly reason: string }
  | { readonly kind: "error"; readonly reason: string }
  | { readonly kind: "unindexed" }
  | { readonly kind: "ready"; readonly files: number; readonly chunks: number };

/** What the status bar shows: a text with an icon, what a pointer over it tells, and whether it is coloured. */
export interface Look {
  readonly text: string;
  readonly tooltip: string;
  readonly level: "plain" | "error";
}

/** The state that the server's answer amounts to. */
export function stateOf(status: ServerStatus): State {
  const { state, message } = status;
  if (isTrouble(state)) {
    return troubleOf({ state, message });
  }
  const index = wholeOf(status);
  return index.indexed ? { kind: "ready", files: index.files, chunks: index.chunks } : { kind: "unindexed" };
}

/** Whether a state of the server is one in which something is wrong. */
export function isTrouble(state: string): boolean {
  return state === "error" || state === "offline" || state === "no_model";
}

/** The indexes of all folders as one; it is there once all of them are. */
function wholeOf({ index, folders = [] }: ServerStatus): IndexState {
  const every = folders.length > 1 ? folders.map((folder) => folder.index) : [index];
  const sum = (key: "files" | "chunks" | "bytes" | "behind"): number => every.reduce((total, one) => total + one[key], 0);
  return {
    indexed: every.every((one) => one.indexed),
    files: sum("files"),
    chunks: sum("chunks"),
    bytes: sum("bytes"),
    behind: sum("behind"),
  };
}

/** What is wrong, from a notice that says so. */
export function troubleOf({ state, message }: Notice): State {
  return { kind: state === "error" ? "error" : "offline", reason: message };
}

/** Whether a progress that begins with this title is the indexing. */
export function isIndexing(title: string): boolean {
  return /\bindex/i.test(title);
}

/** The state during a round of indexing; at its end the server is asked, and there is none. */
export function stateDuring(step: Step): State | undefined {
  if (step.kind === "end") {
    return undefined;
  }
  return { kind: "indexing", percent: step.percentage, phase: step.message ?? "" };
}

export function look(state: State): Look {
  switch (state.kind) {
    case "starting":
      return { text: "$(loading~spin) Kibitz", tooltip: "The server is starting.", level: "plain" };
    case "installing":
      return { text: "$(loading~spin) Kibitz: installing", tooltip: "The server is being installed.", level: "plain" };
    case "stopped":
      return { text: "$(circle-slash) Kibitz: stopped", tooltip: state.reason, level: "error" };
    case "indexing": {
      const percent = state.percent === undefined ? "" : ` ${Math.round(state.percent)} %`;
      const phase = state.phase === "" ? "" : `: ${state.phase}`;
      return { text: `$(sync~spin) Kibitz: indexing${percent}`, tooltip: `Indexing the workspace${phase}`, level: "plain" };
    }
    case "waiting":
      return { text: "$(loading~spin) Kibitz: waiting", tooltip: "The model is writing ghost text.", level: "plain" };
    case "offline":
      return { text: "$(debug-disconnect) Kibitz: offline", tooltip: `Search works. ${state.reason}`, level: "plain" };
    case "error":
      return { text: "$(warning) Kibitz: error", tooltip: state.reason, level: "plain" };
    case "unindexed":
      return {
        text: "$(circle-outline) Kibitz: not indexed",
        tooltip: "This workspace has no index yet: run Kibitz: Index Workspace.",
        level: "plain",
      };
    case "ready":
      return { text: "$(eye) Kibitz: ready", tooltip: `The index is ready: ${sizes(state.files, state.chunks)}.`, level: "plain" };
  }
}

/** What the server says of itself, a line each. */
export function factsOf(status: ServerStatus): string[] {
  const { model } = status;
  const index = wholeOf(status);
  const facts: string[] = [];
  if (index.indexed) {
    facts.push(`$(database) ${sizes(index.files, index.chunks)}, ${sizeOf(index.bytes)} on disk`);
  }
  if (index.behind > 0) {
    facts.push(`$(history) ${counted(index.behind, "file")} ${index.behind === 1 ? "has" : "have"} changed since`);
  }
  facts.push(model === null ? "$(hubot) No model has been asked yet" : `$(hubot) ${model}`);
  return facts;
}

function sizes(files: number, chunks: number): string {
  return `${counted(files, "file")} in ${counted(chunks, "chunk")}`;
}
