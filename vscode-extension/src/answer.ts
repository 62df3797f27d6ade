// An answer's text, cut into what a page shows: paragraphs, code, and links to the cited lines.

/** A cited stretch of a file, as far as a link needs it; lines are 1-based, the last one included. */
export interface Cited {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
}

export type Span =
  | { readonly kind: "text" | "strong" | "code"; readonly text: string }
  | { readonly kind: "link"; readonly text: string; readonly to: Cited };

export type Block =
  | { readonly kind: "prose"; readonly spans: readonly Span[] }
  | { readonly kind: "heading"; readonly spans: readonly Span[] }
  | { readonly kind: "item"; readonly marker: string; readonly depth: number; readonly spans: readonly Span[] }
  | { readonly kind: "code"; readonly language: string; readonly text: string };

/** A place as it is written: `path:10-24`, `path:10`, or the path where no lines are known. */
export function label(to: Cited): string {
  const lines = to.start_line === to.end_line ? `${to.start_line}` : `${to.start_line}-${to.end_line}`;
  return to.start_line === 0 ? to.path : `${to.path}:${lines}`;
}

/** An answer as it is read aloud: of code only that it is there, and how long it is. */
export function spoken(blocks: readonly Block[]): string {
  const said = blocks.map((block) => {
    if (block.kind !== "code") {
      return block.spans.map((span) => span.text).join("");
    }
    const lines = block.text.split("\n").length;
    return `Code of ${lines} ${lines === 1 ? "line" : "lines"}.`;
  });
  return said.join("\n");
}

const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const ITEM = /^(\s*)([-*+]|\d{1,3}[.)])\s+(.*)$/;
const HEADING = /^ {0,3}#{1,6}\s+(.*)$/;
// Code between backticks, bold text, or path:line, path:line-line and path#Lline-Lline.
const INLINE = /(`+)([^`]+?)\1(?!`)|\*\*([^*\n]+)\*\*|(?<![\w@.+~/\\-])[\w@.+~/\\-]+(?::L?|#L)\d+(?:[-–]L?\d+)?/g;
const REFERENCE = /^([\w@.+~/\\ -]+)(?::L?|#L)(\d+)(?:[-–]L?(\d+))?$/;

/** What a `path:10-24` names, when that file is among the cited ones; the end of a path will do if only one fits. */
export function reference(text: string, cited: readonly Cited[]): Cited | undefined {
  const match = REFERENCE.exec(text);
  if (match === null) {
    return undefined;
  }
  const [, named = "", first = "0", last] = match;
  const start_line = Number(first);
  const end_line = Math.max(start_line, Number(last ?? first));
  const paths = [...new Set(cited.map((citation) => citation.path))];
  const fits = paths.filter((known) => known.endsWith(`/${named}`));
  const path = paths.includes(named) ? named : fits.length === 1 ? fits[0] : undefined;
  return path !== undefined && start_line > 0 ? { path, start_line, end_line } : undefined;
}

/** Lay out Markdown of the plain kind that models write; what is not understood stays as it stands. */
export function layOut(text: string, cited: readonly Cited[]): Block[] {
  const blocks: Block[] = [];
  let prose: string[] = [];
  let code: { fence: string; language: string; lines: string[] } | undefined;
  const flush = (): void => {
    if (prose.length > 0) {
      blocks.push({ kind: "prose", spans: spansOf(prose.join("\n"), cited) });
      prose = [];
    }
  };
  for (const line of text.split("\n")) {
    if (code !== undefined) {
      if (closes(line, code.fence)) {
        blocks.push({ kind: "code", language: code.language, text: code.lines.join("\n") });
        code = undefined;
      } else {
        code.lines.push(line);
      }
      continue;
    }
    const fence = FENCE.exec(line);
    const single = fence === null ? singleLine(line, cited) : undefined;
    if (fence === null && single === undefined && line.trim() !== "") {
      prose.push(line);
      continue;
    }
    flush();
    if (fence !== null) {
      code = { fence: fence[1] ?? "", language: fence[2]?.trim() ?? "", lines: [] };
    } else if (single !== undefined) {
      blocks.push(single);
    }
  }
  flush();
  if (code !== undefined) {
    // The answer is still on its way, or ended inside the code.
    blocks.push({ kind: "code", language: code.language, text: code.lines.join("\n") });
  }
  return blocks;
}

function singleLine(line: string, cited: readonly Cited[]): Block | undefined {
  const heading = HEADING.exec(line);
  if (heading !== null) {
    return { kind: "heading", spans: spansOf(heading[1] ?? "", cited) };
  }
  const item = ITEM.exec(line);
  if (item === null) {
    return undefined;
  }
  const [, indent = "", marker = "", rest = ""] = item;
  const depth = Math.floor(indent.length / 2);
  return { kind: "item", marker: /\d/.test(marker) ? marker : "•", depth, spans: spansOf(rest, cited) };
}

function closes(line: string, fence: string): boolean {
  const bare = line.trim();
  return bare.length >= fence.length && bare === (fence[0] ?? "").repeat(bare.length);
}

function spansOf(text: string, cited: readonly Cited[]): Span[] {
  const spans: Span[] = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > from) {
      spans.push({ kind: "text", text: text.slice(from, match.index) });
    }
    spans.push(spanOf(match, cited));
    from = match.index + match[0].length;
  }
  if (from < text.length) {
    spans.push({ kind: "text", text: text.slice(from) });
  }
  return spans;
}

function spanOf(match: RegExpMatchArray, cited: readonly Cited[]): Span {
  const [whole, , code, strong] = match;
  const shown = code?.trim() ?? strong ?? whole;
  const to = reference(shown, cited);
  if (to !== undefined) {
    return { kind: "link", text: shown, to };
  }
  return { kind: code !== undefined ? "code" : strong !== undefined ? "strong" : "text", text: shown };
}
