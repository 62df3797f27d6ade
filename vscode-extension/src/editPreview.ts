// Shows in place, while the model writes, what an edit will change; nothing of it is in the document.
import * as vscode from "vscode";

import { hunksOf } from "./diff.js";

const SHOWN_CHARS = 80;
/** A piece of an answer may come every millisecond. */
const REDRAW_MS = 80;

/** The first key to press while an edit is written is Escape. */
const CONTEXT = "kibitz.editing";

const asked = vscode.window.createTextEditorDecorationType({
  isWholeLine: true,
  backgroundColor: new vscode.ThemeColor("editor.rangeHighlightBackground"),
});
const going = vscode.window.createTextEditorDecorationType({
  isWholeLine: true,
  backgroundColor: new vscode.ThemeColor("diffEditor.removedLineBackground"),
  overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.deletedForeground"),
});
const coming = vscode.window.createTextEditorDecorationType({
  after: { color: new vscode.ThemeColor("editorGhostText.foreground"), margin: "0 0 0 2em" },
});

export class EditPreview implements vscode.Disposable {
  private received = "";
  private readonly diffs: string[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly editor: vscode.TextEditor,
    private readonly range: vscode.Range,
  ) {
    // A range that ends before a line's first character does not mean that line.
    const { start, end } = range;
    const last = end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
    editor.setDecorations(asked, [new vscode.Range(start.line, 0, last, 0)]);
    void vscode.commands.executeCommand("setContext", CONTEXT, true);
    this.draw();
  }

  /** Take a piece of the answer, or a change that is finished. */
  take(text: string, diff: string | undefined): void {
    this.received += text;
    if (diff !== undefined) {
      this.diffs.push(diff);
    }
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.draw();
    }, REDRAW_MS);
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const kind of [asked, going, coming]) {
      this.editor.setDecorations(kind, []);
    }
    void vscode.commands.executeCommand("setContext", CONTEXT, false);
  }

  private draw(): void {
    const { document } = this.editor;
    const hunks = this.diffs.flatMap((diff) => hunksOf(diff));
    const removed = hunks
      .filter((hunk) => hunk.removed > 0)
      .map((hunk) => document.validateRange(new vscode.Range(hunk.start, 0, hunk.start + hunk.removed - 1, 0)));
    const added = hunks
      .filter((hunk) => hunk.added.length > 0)
      .map((hunk) => {
        const line = Math.max(0, hunk.start + hunk.removed - 1);
        const hoverMessage = new vscode.MarkdownString().appendCodeblock(hunk.added.join("\n"), document.languageId);
        return { ...this.behind(line, `+ ${hunk.added.map((one) => one.trim()).join(" ⏎ ")}`), hoverMessage };
      });
    this.editor.setDecorations(going, removed);
    this.editor.setDecorations(coming, [...added, ...(added.length === 0 ? [this.behind(this.range.start.line, this.state())] : [])]);
  }

  private state(): string {
    const lines = this.received.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("```"));
    const last = lines.at(-1)?.trim() ?? "";
    return last === "" ? "Kibitz reads… (Esc stops)" : `Kibitz writes line ${lines.length}: ${last}`;
  }

  private behind(line: number, text: string): vscode.DecorationOptions {
    const contentText = text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
    const end = this.editor.document.lineAt(Math.min(line, this.editor.document.lineCount - 1)).range.end;
    return { range: new vscode.Range(end, end), renderOptions: { after: { contentText } } };
  }
}
