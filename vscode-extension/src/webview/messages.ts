// What passes between the extension and its page.
import type { Cited } from "../answer.js";

export type Place = Cited & { readonly uri: string };

export type Why = "selected" | "attached" | "mentioned" | "open" | "changed" | "rules" | "found" | "earlier";

/** A place that was in the prompt, and why; lines are 0 where it is not lines of the file that were shown. */
export type Source = Place & { readonly why: Why };

/** One question and its answer, as the page shows them. */
export interface Shown {
  readonly question: string;
  /** The lines that went with the question, if any did. */
  readonly about: string;
  text: string;
  citations: readonly Place[];
  /** What was in the prompt. */
  sources: readonly Source[];
  state: "streaming" | "done" | "failed" | "cancelled";
  /** Whether there may be more of the answer. */
  unfinished: boolean;
  /** Sentences under the answer: why it failed, that it was cut, what could not be had. */
  notes: readonly string[];
}

/** Something that may follow in the question, in place of the last characters before the cursor. */
export interface Suggestion {
  readonly label: string;
  readonly insertText: string;
  readonly detail: string;
  readonly replaces: number;
}

export type CodeAction = "copy" | "insert" | "apply";

export type ToPage =
  | { readonly kind: "turns"; readonly turns: readonly Shown[] }
  | { readonly kind: "delta"; readonly turn: number; readonly text: string }
  | { readonly kind: "suggestions"; readonly text: string; readonly items: readonly Suggestion[] };

export type FromPage =
  | { readonly kind: "ready" | "cancel" | "goOn" }
  | { readonly kind: "ask"; readonly question: string }
  | { readonly kind: "complete"; readonly text: string }
  | { readonly kind: "code"; readonly action: CodeAction; readonly text: string }
  | ({ readonly kind: "open" } & Cited);
