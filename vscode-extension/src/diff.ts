// The hunks of a unified diff, as places in the text that it is about.

export interface Hunk {
  /** The first line that goes, 0-based; where none goes, the line that the new ones come before. */
  readonly start: number;
  readonly removed: number;
  readonly added: readonly string[];
}

/** Read each run of lines that go and come; lines that only stand around them are passed over. */
export function hunksOf(diff: string): Hunk[] {
  const hunks: Hunk[] = [];
  let line = 0;
  let open: { start: number; removed: number; added: string[] } | undefined;
  let inside = false;
  const close = (): void => {
    if (open !== undefined) {
      hunks.push(open);
      open = undefined;
    }
  };
  for (const row of diff.split("\n")) {
    const head = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@/.exec(row);
    if (head !== null) {
      close();
      inside = true;
      // Where no line of the old text is in the hunk, its number is that of the line before.
      line = Number(head[1]) - (head[2] === "0" ? 0 : 1);
    } else if (!inside) {
      continue;
    } else if (row.startsWith("-")) {
      open ??= { start: line, removed: 0, added: [] };
      open.removed += 1;
      line += 1;
    } else if (row.startsWith("+")) {
      open ??= { start: line, removed: 0, added: [] };
      open.added.push(row.slice(1));
    } else if (row.startsWith(" ") || row === "") {
      close();
      line += 1;
    }
  }
  close();
  return hunks;
}
