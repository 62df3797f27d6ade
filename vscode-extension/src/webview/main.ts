// The page of the conversation. It builds elements and sets their text: nothing an answer says is ever read as HTML.
import { type Block, type Cited, layOut, type Span } from "../answer.js";
import type { FromPage, Shown, ToPage } from "./messages.js";

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void };

const host = acquireVsCodeApi();
const turns = byId("turns", HTMLElement);
const form = byId("form", HTMLFormElement);
const question = byId("question", HTMLTextAreaElement);
const send = byId("send", HTMLButtonElement);
const stop = byId("stop", HTMLButtonElement);

let shown: Shown[] = [];
let waiting = false;

window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
  if (data.kind === "turns") {
    shown = [...data.turns];
    turns.replaceChildren(...shown.map(turnElement));
    showState();
    scroll(true);
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
    host.postMessage({ kind: "ask", question: text });
  }
});
question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
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
  if (turn.note !== "") {
    parts.push(element("p", turn.state === "failed" ? "note failed" : "note", turn.note));
  }
  if (turn.citations.length > 0) {
    const links = turn.citations.map((citation) => link(label(citation), citation));
    parts.push(element("nav", "citations", element("span", "caption", "Cited"), ...links));
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
  return language === "" ? code : element("div", "", element("span", "caption", language), code);
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
