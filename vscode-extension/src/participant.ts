// @kibitz in the host's own chat, where there is one.
import { randomUUID } from "node:crypto";
import * as vscode from "vscode";

import { label } from "./answer.js";
import { editorNow, newSession, plain } from "./chat.js";
import * as protocol from "./protocol.js";
import type { Server } from "./server.js";
import { sentence } from "./serverCommand.js";
import { answer, type Answers, type Asked, type Exchange, type Stream } from "./thread.js";
import type { Place } from "./webview/messages.js";

const ID = "kibitz.chat";

/** Register the participant; older hosts and some others have no chat. */
export function registerParticipant(extension: vscode.Uri, respond: vscode.ChatRequestHandler): vscode.Disposable[] {
  if (typeof vscode.chat?.createChatParticipant !== "function") {
    return [];
  }
  const participant = vscode.chat.createChatParticipant(ID, respond);
  participant.iconPath = vscode.Uri.joinPath(extension, "media", "activity.svg");
  return [participant];
}

/** What answers a request of the host's chat: a thread of it is a kept session of ours. */
export function responder(server: Server): vscode.ChatRequestHandler {
  return async (request, context, stream, token) => {
    const asked = await askedBy(request, context);
    const { session, error } = await answer(asked, answersOf(server, token), streamOf(stream), vscode.workspace.isTrusted);
    const errorDetails = error === undefined || token.isCancellationRequested ? {} : { errorDetails: { message: error } };
    return { ...errorDetails, metadata: { session } };
  };
}

function answersOf(server: Server, token: vscode.CancellationToken): Answers {
  return {
    chat: (params, onText) => server.stream(protocol.chat, { ...params, partialResultToken: randomUUID() }, onText, token),
    questions: async (id) => {
      const { session } = await server.request(protocol.sessions, { id });
      return (session?.turns ?? []).filter((turn) => turn.role === "user").length;
    },
    newSession,
    sentence,
  };
}

function streamOf(stream: vscode.ChatResponseStream): Stream {
  return {
    // Not trusted: the host runs no command of it, reads no HTML and loads no image from afar.
    markdown: (text) => stream.markdown(new vscode.MarkdownString(text)),
    anchor: (to) => stream.anchor(locationOf(to), label(to)),
    reference: (to) => stream.reference(to.start_line === 0 ? vscode.Uri.parse(to.uri, true) : locationOf(to)),
  };
}

function locationOf({ uri, start_line, end_line }: Place): vscode.Location {
  const first = Math.max(0, start_line - 1);
  return new vscode.Location(vscode.Uri.parse(uri, true), new vscode.Range(first, 0, Math.max(first, end_line - 1), 0));
}

async function askedBy(request: vscode.ChatRequest, context: vscode.ChatContext): Promise<Asked> {
  const question = worded(request);
  const attachments: protocol.Attachment[] = [];
  const notes: string[] = [];
  for (const reference of request.references) {
    const attachment = await attached(reference.value).catch((error: unknown) => sentence(error));
    if (typeof attachment === "string") {
      notes.push(attachment);
    } else {
      attachments.push(attachment);
    }
  }
  return { params: { question, attachments, ...editorNow(question) }, earlier: exchanges(context.history), notes };
}

/** A file or lines of it, which the server knows once it is open as a document. */
async function attached(value: unknown): Promise<protocol.Attachment | string> {
  const uri = value instanceof vscode.Location ? value.uri : value;
  if (!(uri instanceof vscode.Uri)) {
    return "Kibitz takes files and selections; what else is attached was left out.";
  }
  const document = await vscode.workspace.openTextDocument(uri);
  const textDocument = { uri: document.uri.toString() };
  return value instanceof vscode.Location ? { textDocument, range: plain(value.range) } : { textDocument };
}

/** The turns of a thread that were ours. */
function exchanges(history: vscode.ChatContext["history"]): Exchange[] {
  const found: Exchange[] = [];
  let asked: vscode.ChatRequestTurn | undefined;
  for (const turn of history) {
    if (turn instanceof vscode.ChatRequestTurn) {
      asked = turn;
    } else if (asked !== undefined && turn.participant === ID) {
      const said = turn.response.map((part) => (part instanceof vscode.ChatResponseMarkdownPart ? part.value.value : ""));
      const session: unknown = turn.result.metadata?.["session"];
      found.push({ question: worded(asked), answer: said.join(""), session: typeof session === "string" ? session : undefined });
    }
  }
  return found;
}

function worded({ command, prompt }: { readonly command?: string | undefined; readonly prompt: string }): string {
  return command === undefined ? prompt : `/${command} ${prompt}`.trim();
}
