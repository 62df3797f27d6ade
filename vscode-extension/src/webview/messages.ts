// What passes between the extension and its page.
import type { Cited } from "../answer.js";

/** One question and its answer, as the page shows them. */
export interface Shown {
  readonly question: string;
  /** The lines that went with the question, if any did. */
  readonly about: string;
  text: string;
  citations: readonly (Cited & { readonly uri: string })[];
  state: "streaming" | "done" | "failed" | "cancelled";
  /** A sentence under the answer: why it failed, or that it was cut. */
  note: string;
}

export type ToPage =
  | { readonly kind: "turns"; readonly turns: readonly Shown[] }
  | { readonly kind: "delta"; readonly turn: number; readonly text: string };

export type FromPage =
  | { readonly kind: "ready" | "cancel" }
  | { readonly kind: "ask"; readonly question: string }
  | ({ readonly kind: "open" } & Cited);
