// The page of the conversation. It builds elements and sets their text: nothing an answer says is ever read as HTML.
import { type Block, type Cited, layOut, type Span } from "../answer.js";
import type { CodeAction, FromPage, Shown, ToPage } from "./messages.js";
import { Suggestions } from "./suggestions.js";

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void };

const host = acquireVsCodeApi();
const turns = byId("turns", HTMLElement);
const form = byId("form", HTMLFormElement);
const question = byId("question", HTMLTextAreaElement);
const send = byId("send", HTMLButtonElement);
const stop = byId("stop", HTMLButtonElement);

const suggestions = new Suggestions(question, byId("suggestions", HTMLElement), (text) =>
  host.postMessage({ kind: "complete", text }),
);
let shown: Shown[] = [];
let waiting = false;

window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
  if (data.kind === "turns") {
    shown = [...data.turns];
    turns.replaceChildren(...shown.map(turnElement));
    showState();
    scroll(true);
  } else if (data.kind === "suggestions") {
    suggestions.show(data.text, data.items);
  } else {
    const turn = shown[data.turn];
    if (turn !== undefined) {
      turn.text += data.text;
      drawSoon(data.turn);
    }
  }
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (text !== "") {
    question.value = "";
    suggestions.close();
    host.postMessage({ kind: "ask", question: text });
  }
});
question.addEventListener("keydown", (event) => {
  if (suggestions.takes(event)) {
    event.preventDefault();
  } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
stop.addEventListener("click", () => host.postMessage({ kind: "cancel" }));
host.postMessage({ kind: "ready" });

/** However fast the answer arrives, it is drawn once a frame. */
function drawSoon(index: number): void {
  if (waiting) {
    return;
  }
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    const turn = shown[index];
    if (turn !== undefined) {
      const follow = window.innerHeight + window.scrollY >= document.body.scrollHeight - 40;
      turns.children[index]?.replaceWith(turnElement(turn));
      scroll(follow);
    }
  });
}

function showState(): void {
  const streaming = shown.at(-1)?.state === "streaming";
  stop.hidden = !streaming;
  send.hidden = streaming;
}

function scroll(follow: boolean): void {
  if (follow) {
    window.scrollTo(0, document.body.scrollHeight);
  }
}

function turnElement(turn: Shown): HTMLElement {
  const answer = element("div", "answer", ...layOut(turn.text, turn.citations).map((block) => blockElement(block)));
  answer.classList.toggle("streaming", turn.state === "streaming");
  const parts: HTMLElement[] = [element("div", "question", turn.question)];
  if (turn.about !== "") {
    parts.push(element("span", "caption", `with ${turn.about}`));
  }
  parts.push(answer);
  for (const note of turn.notes) {
    parts.push(element("p", turn.state === "failed" ? "note failed" : "note", note));
  }
  if (turn.unfinished && turn === shown.at(-1)) {
    parts.push(button("Continue", "Ask for the rest of the answer", () => host.postMessage({ kind: "goOn" })));
  }
  if (turn.citations.length > 0) {
    const links = turn.citations.map((citation) => link(label(citation), citation));
    parts.push(element("nav", "citations", element("span", "caption", "Cited"), ...links));
  }
  if (turn.sources.length > 0) {
    const chips = turn.sources.map((place) => link(label(place), place));
    const count = `${turn.sources.length} ${turn.sources.length === 1 ? "place" : "places"} in the prompt`;
    parts.push(element("details", "sources", element("summary", "caption", count), element("nav", "citations", ...chips)));
  }
  return element("article", "turn", ...parts);
}

function blockElement(block: Block): HTMLElement {
  switch (block.kind) {
    case "code":
      return codeElement(block.language, block.text);
    case "heading":
      return element("p", "heading", ...block.spans.map(spanNode));
    case "item": {
      const item = element("p", "item", element("span", "marker", block.marker), ...block.spans.map(spanNode));
      item.classList.add(`depth${Math.min(block.depth, 3)}`);
      return item;
    }
    case "prose":
      return element("p", "", ...block.spans.map(spanNode));
  }
}

function codeElement(language: string, text: string): HTMLElement {
  const code = element("pre", "code", element("code", "", text));
  const act = (action: CodeAction) => (): void => host.postMessage({ kind: "code", action, text });
  const buttons = [
    button("Copy", "Copy this code", act("copy")),
    button("Insert", "Insert this code at the cursor", act("insert")),
    button("Apply", "Edit the open file as this code says", act("apply")),
  ];
  return element("div", "codeblock", element("div", "bar", element("span", "caption", language), ...buttons), code);
}

function button(text: string, title: string, act: () => void): HTMLElement {
  const made = element("button", "small", text);
  made.setAttribute("type", "button");
  made.title = title;
  made.addEventListener("click", act);
  return made;
}

function spanNode(span: Span): Node {
  switch (span.kind) {
    case "text":
      return document.createTextNode(span.text);
    case "code":
      return element("code", "", span.text);
    case "strong":
      return element("strong", "", span.text);
    case "link":
      return link(span.text, span.to);
  }
}

function link(text: string, to: Cited): HTMLElement {
  const anchor = element("a", "citation", text);
  anchor.setAttribute("href", "#");
  anchor.title = `Open ${label(to)}`;
  anchor.addEventListener("click", (event) => {
    event.preventDefault();
    host.postMessage({ kind: "open", path: to.path, start_line: to.start_line, end_line: to.end_line });
  });
  return anchor;
}

function label(to: Cited): string {
  return to.start_line === to.end_line ? `${to.path}:${to.start_line}` : `${to.path}:${to.start_line}-${to.end_line}`;
}

function element(tag: string, classes: string, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  if (classes !== "") {
    made.className = classes;
  }
  made.append(...children);
  return made;
}

function byId<T extends HTMLElement>(id: string, type: abstract new (...args: never[]) => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) {
    throw new Error(`The page has no ${id}.`);
  }
  return found;
}
