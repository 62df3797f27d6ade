// A question in a thread of the host's own chat, answered by the server; the host comes in through small interfaces.
import { label } from "./answer.js";
import type { ChatParams, ChatResult, SearchHit } from "./protocol.js";
import type { Place } from "./webview/messages.js";

/** A question of the thread with its answer; `session` is the one that they were kept in, if they were. */
export interface Exchange {
  readonly question: string;
  readonly answer: string;
  readonly session: string | undefined;
}

/** What is asked, and what goes with it. */
export interface Asked {
  readonly params: Pick<ChatParams, "question" | "attachments" | "selection" | "textDocument" | "diagnostics">;
  readonly earlier: readonly Exchange[];
  /** What could not be taken along, in sentences. */
  readonly notes: readonly string[];
}

/** Where the answer is written. */
export interface Stream {
  markdown(text: string): void;
  anchor(to: Place): void;
  reference(to: Place): void;
}

/** What is needed of the server. */
export interface Answers {
  chat(params: Omit<ChatParams, "partialResultToken">, onText: (text: string) => void): Promise<ChatResult>;
  /** How many questions a kept session has; rejects where there is no such session. */
  questions(session: string): Promise<number>;
  newSession(): string;
  /** What went wrong, in a sentence. */
  sentence(error: unknown): string;
}

/** What is told of the answer in the thread's next turn; with an error, the sentence that is shown. */
export interface Told {
  readonly session: string | undefined;
  readonly error?: string;
}

export const UNTRUSTED = "Kibitz only searches here: its text is sent to a model once you trust this workspace.";

/** Answer in a thread: the text as it comes, then what it cites, and what was in the prompt. */
export async function answer(asked: Asked, server: Answers, stream: Stream, trusted: boolean): Promise<Told> {
  if (!trusted) {
    stream.markdown(UNTRUSTED);
    return { session: undefined };
  }
  const kept = await goingOn(asked.earlier, server);
  try {
    const result = await server.chat({ ...asked.params, ...kept }, (text) => stream.markdown(text));
    result.citations.forEach((citation, index) => {
      stream.markdown(index === 0 ? "\n\nCited: " : ", ");
      stream.anchor(citation);
    });
    result.sources.forEach((source) => stream.reference(source));
    const cut = result.finish_reason === "length" ? ["The answer was cut at the model's limit."] : [];
    for (const note of [...asked.notes, ...result.notes, ...cut]) {
      stream.markdown(`\n\n> ${note}\n`);
    }
    return { session: kept.session };
  } catch (error) {
    return { session: kept.session, error: server.sentence(error) };
  }
}

/**
 * The session that holds all of the thread so far. A thread that was cut back, or a session that is gone, is told as
 * history instead: a kept session is never told otherwise than it went.
 */
async function goingOn(earlier: readonly Exchange[], server: Answers): Promise<Pick<ChatParams, "session" | "history">> {
  if (earlier.length === 0) {
    return { session: server.newSession() };
  }
  const session = earlier.at(-1)?.session;
  const within = earlier.filter((exchange) => exchange.session === session).length;
  if (session !== undefined && within === earlier.length && within === (await server.questions(session).catch(() => 0))) {
    return { session };
  }
  const said = (exchange: Exchange) =>
    [
      { role: "user", content: exchange.question },
      { role: "assistant", content: exchange.answer },
    ] as const;
  return { history: earlier.flatMap(said).filter(({ content }) => content !== "") };
}

/** What a search found, for whoever reads it as text: each place, then its lines. */
export function foundText(hits: readonly SearchHit[]): string {
  if (hits.length === 0) {
    return "Nothing was found.";
  }
  return hits.map((hit) => `${label(hit)}${hit.symbol === "" ? "" : ` ${hit.symbol}`}\n${fenced(hit.text)}`).join("\n\n");
}

function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([found]) => found.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text.replace(/\n$/, "")}\n${fence}`;
}
