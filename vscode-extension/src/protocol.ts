// The server's own requests, as its protocol page has them.
import { NotificationType, ProgressType, RequestType } from "vscode-languageclient";
import type { Range, VersionedTextDocumentIdentifier } from "vscode-languageclient";

import type { Notice, ServerStatus } from "./status.js";

/** A stretch of a file that stood in the prompt; lines are 1-based, the last one included. */
export interface Citation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly uri: string;
}

/** A stretch of a document that goes with a question. */
export interface Attachment {
  readonly textDocument: VersionedTextDocumentIdentifier;
  readonly range: Range;
}

/** What an editor complains of in a document, in the protocol's own words. */
export interface DocumentDiagnostics {
  readonly uri: string;
  readonly diagnostics: readonly { readonly range: Range; readonly severity: number; readonly message: string }[];
}

/** A question in a session; with `goOn` and no question, the rest of the last answer. */
export interface ChatParams {
  readonly question?: string;
  readonly session: string;
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
  readonly sources: readonly Citation[];
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
  readonly range: Range;
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

export const chat = new RequestType<ChatParams, ChatResult, void>("kibitz/chat");
export const edit = new RequestType<EditParams, EditResult, void>("kibitz/edit");
export const search = new RequestType<{ query: string; k: number }, { hits: readonly SearchHit[] }, void>(
  "kibitz/search",
);
export const sessions = new RequestType<
  { id?: string; delete?: boolean },
  { sessions?: readonly SessionSummary[]; session?: Omit<SessionSummary, "turns"> & { readonly turns: readonly Said[] } },
  void
>("kibitz/sessions");
export const mentions = new RequestType<{ text: string }, { items: readonly Offered[] }, void>("kibitz/mentions");
export const prompt = new RequestType<PromptParams, { readonly html: string }, void>("kibitz/prompt");
export const index = new RequestType<Record<string, never>, unknown, void>("kibitz/index");
export const status = new RequestType<Record<string, never>, ServerStatus, void>("kibitz/status");
export const statusChanged = new NotificationType<Notice>("kibitz/status");
export const delta = new ProgressType<{ delta: string }>();
