// What may follow in the question: a list above it, chosen from with the keyboard or the mouse.
import type { Suggestion } from "./messages.js";

const ASKS = /(?:^\s*\/[a-z]*|@[^\s@]*)$/;

export class Suggestions {
  private items: readonly Suggestion[] = [];
  /** The text before the cursor that they may follow. */
  private text = "";
  private chosen = 0;

  constructor(
    private readonly field: HTMLTextAreaElement,
    private readonly list: HTMLElement,
    private readonly ask: (text: string) => void,
  ) {
    field.addEventListener("input", () => this.look());
    field.addEventListener("blur", () => this.close());
  }

  /** Show what may follow a text, if that still stands before the cursor. */
  show(text: string, items: readonly Suggestion[]): void {
    if (text !== this.before()) {
      return;
    }
    this.items = items;
    this.text = text;
    this.chosen = 0;
    this.draw();
  }

  close(): void {
    this.items = [];
    this.draw();
  }

  /** Whether a key was for the list. */
  takes(event: KeyboardEvent): boolean {
    if (this.items.length === 0) {
      return false;
    }
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp":
        this.chosen = (this.chosen + (event.key === "ArrowDown" ? 1 : -1) + this.items.length) % this.items.length;
        this.draw();
        return true;
      case "Enter":
      case "Tab":
        return this.insert(this.chosen) || event.key === "Tab";
      case "Escape":
        this.close();
        return true;
      default:
        return false;
    }
  }

  private before(): string {
    return this.field.value.slice(0, this.field.selectionStart);
  }

  private look(): void {
    const text = this.before();
    if (ASKS.test(text)) {
      this.ask(text);
    } else {
      this.close();
    }
  }

  /** Insert an item, unless more has been typed than it was offered for; whether it was inserted. */
  private insert(index: number): boolean {
    const item = this.items[index];
    const fits = item !== undefined && this.text === this.before();
    this.close();
    if (fits) {
      const end = this.field.selectionStart;
      this.field.setRangeText(item.insertText, end - item.replaces, end, "end");
      this.field.focus();
      this.look();
    }
    return fits;
  }

  private draw(): void {
    this.list.replaceChildren(
      ...this.items.map((item, index) => {
        const row = document.createElement("li");
        const detail = document.createElement("span");
        detail.className = "caption";
        detail.textContent = item.detail;
        row.id = `suggestion-${index}`;
        row.setAttribute("role", "option");
        row.setAttribute("aria-selected", String(index === this.chosen));
        row.append(item.label, " ", detail);
        // Before the field loses the focus, which would close the list.
        row.addEventListener("mousedown", (event) => {
          event.preventDefault();
          this.insert(index);
        });
        return row;
      }),
    );
    const open = this.items.length > 0;
    this.list.hidden = !open;
    if (open) {
      this.field.setAttribute("aria-activedescendant", `suggestion-${this.chosen}`);
      this.list.children[this.chosen]?.scrollIntoView({ block: "nearest" });
    } else {
      this.field.removeAttribute("aria-activedescendant");
    }
  }
}
