// The server's own requests, as its protocol page has them.
import { NotificationType, ProgressType, RequestType } from "vscode-languageclient";
import type { Position, Range, SymbolInformation, VersionedTextDocumentIdentifier } from "vscode-languageclient";

import type { FileStatus, Sums } from "./coverage.js";
import type { Notice, ServerStatus } from "./status.js";
import type { Source } from "./webview/messages.js";

/** A stretch of a file that stood in the prompt; lines are 1-based, the last one included. */
export interface Citation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly uri: string;
}

/** A stretch of a document that goes with a question. */
export interface Attachment {
  readonly textDocument: { readonly uri: string };
  /** Without one, all of the document. */
  readonly range?: Range;
}

/** What an editor complains of in a document, in the protocol's own words. */
export interface DocumentDiagnostics {
  readonly uri: string;
  readonly diagnostics: readonly { readonly range: Range; readonly severity: number; readonly message: string }[];
}

/** A question in a session, or with what was said before it; with `goOn` and no question, the rest of the last answer. */
export interface ChatParams {
  readonly question?: string;
  readonly session?: string;
  readonly history?: readonly { readonly role: "user" | "assistant"; readonly content: string }[];
  readonly goOn?: boolean;
  readonly attachments: readonly Attachment[];
  readonly selection?: Attachment;
  readonly textDocument?: { readonly uri: string };
  readonly diagnostics?: readonly DocumentDiagnostics[];
  readonly partialResultToken: string;
}

export interface ChatResult {
  readonly text: string;
  readonly citations: readonly Citation[];
  readonly sources: readonly Source[];
  readonly finish_reason: string;
  readonly notes: readonly string[];
  readonly suggests: string;
}

export interface SessionSummary {
  readonly id: string;
  readonly title: string;
  /** Seconds since 1970. */
  readonly at: number;
  readonly turns: number;
}

/** One message of a kept session. */
export interface Said {
  readonly role: "user" | "assistant";
  readonly text: string;
  readonly finish_reason: string;
  readonly citations: readonly Citation[];
}

/** Something to insert in place of the last characters before the cursor. */
export interface Offered {
  readonly label: string;
  readonly insertText: string;
  readonly kind: string;
  readonly detail: string;
  readonly replaces: number;
}

export interface EditParams {
  readonly textDocument: VersionedTextDocumentIdentifier;
  /** Without one the whole document may change. */
  readonly range?: Range;
  /** Further files that may change, and whether new ones may be made and these renamed. */
  readonly files?: readonly { readonly uri: string }[];
  readonly newFiles?: boolean;
  readonly renames?: boolean;
  /** The editor shows the edit before it is made. */
  readonly confirm?: boolean;
  readonly instruction: string;
  readonly partialResultToken: string;
  readonly apply: boolean;
  /** The changes wait to be accepted or rejected, by lenses above them. */
  readonly review: boolean;
}

export interface EditResult {
  readonly applied: boolean;
  readonly diff: string;
  readonly failureReason?: string | null;
}

export interface SearchHit {
  readonly path: string;
  readonly uri: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly symbol: string;
  readonly text: string;
}

/** Whose prompt is to be shown: a question's, or a completion's. */
export interface PromptParams {
  readonly kind: "ask" | "complete";
  readonly question?: string;
  readonly textDocument?: { readonly uri: string };
  readonly position?: { readonly line: number; readonly character: number };
  readonly html: true;
}

/** A prompt as it was sent, messages or a raw text; `at` is in seconds since 1970. */
export interface SentPrompt {
  readonly at: number;
  readonly model: string;
  readonly endpoint: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[] | null;
  readonly text: string | null;
}

/** Sums, or the paths of a rule or of a language, or the reason for the file of a URI. */
export interface FilesParams {
  readonly folder?: string;
  readonly rule?: string;
  readonly language?: string;
  readonly uri?: string;
  readonly most?: number;
}

export interface ListedPath {
  readonly path: string;
  readonly uri: string | null;
}

export interface FilesResult {
  readonly folders?: readonly Sums[];
  readonly paths?: readonly ListedPath[];
  readonly more?: number;
  readonly file?: FileStatus;
}

export interface SymbolParams {
  readonly textDocument: { readonly uri: string };
  readonly position: Position;
}

/** The innermost definition around a cursor. */
export interface Symbol {
  readonly name: string;
  readonly kind: string;
  readonly range: Range;
}

export const chat = new RequestType<ChatParams, ChatResult, void>("kibitz/chat");
export const edit = new RequestType<EditParams, EditResult, void>("kibitz/edit");
export const search = new RequestType<{ query: string; k: number; regex?: boolean; rerank?: boolean }, { hits: readonly SearchHit[] }, void>(
  "kibitz/search",
);
export const sessions = new RequestType<
  { id?: string; delete?: boolean },
  { sessions?: readonly SessionSummary[]; session?: Omit<SessionSummary, "turns"> & { readonly turns: readonly Said[] } },
  void
>("kibitz/sessions");
export const mentions = new RequestType<{ text: string }, { items: readonly Offered[] }, void>("kibitz/mentions");
export const prompt = new RequestType<PromptParams, { readonly html: string }, void>("kibitz/prompt");
export const sentPrompts = new RequestType<{ last: number }, { readonly prompts: readonly SentPrompt[] }, void>("kibitz/prompt");
export const index = new RequestType<{ rebuild?: boolean }, unknown, void>("kibitz/index");
export const files = new RequestType<FilesParams, FilesResult, void>("kibitz/files");
export const symbol = new RequestType<SymbolParams, { readonly symbol: Symbol | null }, void>("kibitz/symbol");
export const workspaceSymbol = new RequestType<{ query: string }, readonly SymbolInformation[] | null, void>("workspace/symbol");
export const status = new RequestType<Record<string, never>, ServerStatus, void>("kibitz/status");
export const statusChanged = new NotificationType<Notice>("kibitz/status");
/** A piece of an answer; of an edit also each change that is finished, as a diff. */
export const delta = new ProgressType<{ readonly delta: string; readonly diff?: string }>();
