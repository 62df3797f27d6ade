// The page of the conversation: what is drawn when, and what the keys and clicks do.
import { layOut, spoken } from "../answer.js";
import { byId, patch } from "./dom.js";
import type { CodeAction, FromPage, Shown, ToPage } from "./messages.js";
import { Suggestions } from "./suggestions.js";
import { turnElement } from "./turn.js";

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void };

const host = acquireVsCodeApi();
const turns = byId("turns", HTMLElement);
const form = byId("form", HTMLFormElement);
const question = byId("question", HTMLTextAreaElement);
const send = byId("send", HTMLButtonElement);
const stop = byId("stop", HTMLButtonElement);
const said = byId("said", HTMLElement);

const suggestions = new Suggestions(question, byId("suggestions", HTMLElement), (text) =>
  host.postMessage({ kind: "complete", text }),
);
let shown: Shown[] = [];
let waiting = false;

window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
  if (data.kind === "turns") {
    const before = shown.at(-1);
    shown = [...data.turns];
    draw();
    showState();
    say(before);
    scroll(true);
  } else if (data.kind === "suggestions") {
    suggestions.show(data.text, data.items);
  } else {
    const turn = shown[data.turn];
    if (turn !== undefined) {
      turn.text += data.text;
      drawSoon();
    }
  }
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (text !== "") {
    question.value = "";
    suggestions.close();
    question.focus();
    host.postMessage({ kind: "ask", question: text });
  }
});
question.addEventListener("keydown", (event) => {
  if (suggestions.takes(event)) {
    event.preventDefault();
    event.stopPropagation();
  } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
stop.addEventListener("click", () => {
  host.postMessage({ kind: "cancel" });
  question.focus();
});
turns.addEventListener("click", (event) => {
  const chosen = event.target instanceof Element ? event.target.closest("[data-path], [data-code], [data-go-on]") : null;
  if (chosen instanceof HTMLElement) {
    event.preventDefault();
    act(chosen);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) {
    if (streaming()) {
      host.postMessage({ kind: "cancel" });
    }
    question.focus();
  } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    move(event.key === "ArrowUp" ? -1 : 1);
  }
});
// Who comes to the view by the keyboard is in the field, unless something else in it had the focus.
window.addEventListener("focus", () => {
  if (document.activeElement === document.body || document.activeElement === null) {
    question.focus();
  }
});
if (document.hasFocus()) {
  question.focus();
}
host.postMessage({ kind: "ready" });

function act(chosen: HTMLElement): void {
  const { path, start, end, code } = chosen.dataset;
  if (path !== undefined) {
    host.postMessage({ kind: "open", path, start_line: Number(start), end_line: Number(end) });
  } else if (code !== undefined) {
    const text = chosen.closest(".codeblock")?.querySelector("pre")?.textContent ?? "";
    host.postMessage({ kind: "code", action: code as CodeAction, text });
  } else {
    host.postMessage({ kind: "goOn" });
    question.focus(); // the button goes
  }
}

/** Go to the turn before or behind the one with the focus; behind the last one is the field. */
function move(by: number): void {
  const all = [...turns.children];
  const now = all.findIndex((turn) => turn.contains(document.activeElement));
  const to = all[now === -1 ? (by < 0 ? all.length - 1 : all.length) : Math.max(0, now + by)];
  if (to instanceof HTMLElement) {
    to.focus();
  } else {
    question.focus();
  }
}

/** However fast the answer arrives, it is drawn once a frame. */
function drawSoon(): void {
  if (waiting) {
    return;
  }
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    const follow = window.innerHeight + window.scrollY >= document.body.scrollHeight - 40;
    draw();
    scroll(follow);
  });
}

function draw(): void {
  patch(turns, shown.map((turn) => turnElement(turn, turn === shown.at(-1))));
}

function streaming(): boolean {
  return shown.at(-1)?.state === "streaming";
}

function showState(): void {
  if (!streaming() && document.activeElement === stop) {
    question.focus(); // the button goes
  }
  stop.hidden = !streaming();
  send.hidden = streaming();
}

/** Tell a screen reader that an answer begins, and read it once it is whole: not each word as it comes. */
function say(before: Shown | undefined): void {
  const last = shown.at(-1);
  if (last?.state === "streaming") {
    said.textContent = "Kibitz answers.";
  } else if (last !== undefined && before?.state === "streaming") {
    said.textContent = [spoken(layOut(last.text, last.citations)), ...last.notes].filter((each) => each !== "").join(" ");
  }
}

function scroll(follow: boolean): void {
  if (follow) {
    window.scrollTo(0, document.body.scrollHeight);
  }
}
