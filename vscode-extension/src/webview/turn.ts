// A question and its answer as elements. What a click on one of them does stands in its data attributes.
import { type Block, type Cited, label, layOut, type Span } from "../answer.js";
import { element } from "./dom.js";
import type { CodeAction, Shown, Source, Why } from "./messages.js";

// So many places are shown at once, the rest when they are asked for.
const CHIPS = 6;

const WHY: Readonly<Record<Why, string>> = {
  selected: "it was selected",
  attached: "it was attached",
  mentioned: "it was mentioned",
  open: "it was open",
  changed: "it has changed",
  rules: "a rule of the workspace",
  found: "found for the question",
  earlier: "left from an earlier question",
};

export function turnElement(turn: Shown, last: boolean): HTMLElement {
  const streaming = turn.state === "streaming";
  const answer = element(
    "div",
    { class: streaming ? "answer streaming" : "answer", "aria-busy": String(streaming) },
    ...layOut(turn.text, turn.citations).map(blockElement),
  );
  const parts: HTMLElement[] = [element("h2", { class: "question" }, turn.question)];
  if (turn.about !== "") {
    parts.push(element("span", { class: "caption" }, `with ${turn.about}`));
  }
  parts.push(answer);
  for (const note of turn.notes) {
    parts.push(element("p", { class: turn.state === "failed" ? "note failed" : "note" }, note));
  }
  if (turn.unfinished && last) {
    parts.push(button("Continue", "Ask for the rest of the answer", { "data-go-on": "" }));
  }
  if (turn.citations.length > 0) {
    const links = turn.citations.map((citation) => link(label(citation), citation));
    parts.push(element("nav", { class: "citations", "aria-label": "Cited" }, caption("Cited"), ...links));
  }
  if (turn.sources.length > 0) {
    parts.push(sourcesElement(turn.sources));
  }
  return element("article", { class: "turn", tabindex: "-1", "aria-label": turn.question }, ...parts);
}

function sourcesElement(sources: readonly Source[]): HTMLElement {
  const chips = sources.map((source) => element("li", {}, chip(source)));
  const count = `${sources.length} ${sources.length === 1 ? "place" : "places"} in the prompt`;
  // Safari's reader takes the list out of a list without marks, unless its role says so.
  const list = (items: readonly Node[]): HTMLElement => element("ul", { class: "chips", role: "list" }, ...items);
  const parts = [caption(count), list(chips.slice(0, CHIPS))];
  if (chips.length > CHIPS) {
    const more = element("summary", { class: "caption" }, `${chips.length - CHIPS} more`);
    parts.push(element("details", { class: "more" }, more, list(chips.slice(CHIPS))));
  }
  return element("nav", { class: "sources", "aria-label": "In the prompt" }, ...parts);
}

function chip(source: Source): HTMLElement {
  const why = WHY[source.why] ?? source.why;
  return element(
    "button",
    { type: "button", class: "chip", title: `Open ${label(source)}: ${why}`, ...target(source) },
    element("span", { class: "place" }, label(source)),
    " ",
    element("span", { class: "why" }, source.why),
  );
}

function blockElement(block: Block): HTMLElement {
  switch (block.kind) {
    case "code":
      return codeElement(block.language, block.text);
    case "heading":
      return element("h3", { class: "heading" }, ...block.spans.map(spanNode));
    case "item": {
      const marker = element("span", { class: "marker" }, block.marker);
      return element("p", { class: `item depth${Math.min(block.depth, 3)}` }, marker, ...block.spans.map(spanNode));
    }
    case "prose":
      return element("p", {}, ...block.spans.map(spanNode));
  }
}

function codeElement(language: string, text: string): HTMLElement {
  const act = (name: string, title: string, action: CodeAction): HTMLElement => button(name, title, { "data-code": action });
  const bar = element(
    "div",
    { class: "bar" },
    element("span", { class: "caption" }, language),
    act("Copy", "Copy this code", "copy"),
    act("Insert", "Insert this code at the cursor", "insert"),
    act("Apply", "Edit the open file as this code says", "apply"),
  );
  const named = language === "" ? "Code" : `Code, ${language}`;
  // In the order of the keyboard, since its long lines are scrolled to.
  const code = element("pre", { class: "code", tabindex: "0" }, element("code", {}, text));
  return element("div", { class: "codeblock", role: "group", "aria-label": named }, bar, code);
}

function button(text: string, title: string, data: Readonly<Record<string, string>>): HTMLElement {
  return element("button", { type: "button", class: "small", title, ...data }, text);
}

function spanNode(span: Span): Node {
  switch (span.kind) {
    case "text":
      return document.createTextNode(span.text);
    case "code":
      return element("code", {}, span.text);
    case "strong":
      return element("strong", {}, span.text);
    case "link":
      return link(span.text, span.to);
  }
}

function link(text: string, to: Cited): HTMLElement {
  return element("a", { class: "citation", href: "#", title: `Open ${label(to)}`, ...target(to) }, text);
}

function caption(text: string): HTMLElement {
  return element("span", { class: "caption" }, text);
}

function target(to: Cited): Readonly<Record<string, string>> {
  return { "data-path": to.path, "data-start": String(to.start_line), "data-end": String(to.end_line) };
}
