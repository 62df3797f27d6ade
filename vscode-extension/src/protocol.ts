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

export interface Turn {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** A stretch of a document that goes with a question. */
export interface Attachment {
  readonly textDocument: VersionedTextDocumentIdentifier;
  readonly range: Range;
}

export interface ChatParams {
  readonly question: string;
  readonly history: readonly Turn[];
  readonly attachments: readonly Attachment[];
  readonly partialResultToken: string;
}

export interface ChatResult {
  readonly text: string;
  readonly citations: readonly Citation[];
  readonly finish_reason: string;
}

export interface EditParams {
  readonly textDocument: VersionedTextDocumentIdentifier;
  readonly range: Range;
  readonly instruction: string;
  readonly partialResultToken: string;
  readonly apply: boolean;
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

export const chat = new RequestType<ChatParams, ChatResult, void>("kibitz/chat");
export const edit = new RequestType<EditParams, EditResult, void>("kibitz/edit");
export const search = new RequestType<{ query: string; k: number }, { hits: readonly SearchHit[] }, void>(
  "kibitz/search",
);
export const index = new RequestType<Record<string, never>, unknown, void>("kibitz/index");
export const status = new RequestType<Record<string, never>, ServerStatus, void>("kibitz/status");
export const statusChanged = new NotificationType<Notice>("kibitz/status");
export const delta = new ProgressType<{ delta: string }>();
