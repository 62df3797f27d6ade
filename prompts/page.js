"use strict";
// The budget slider of a prompt's page. The functions above `start` are pure; a piece is
// [text, enters, leaves, shown, lines, tokens]: budgets from `enters` up to `leaves` (not included) show it.

// The level at which a budget settles, [cutoff, size]; null where nothing fits.
function levelAt(data, budget) {
  let found = null;
  for (const level of data.levels) {
    if (level[1] > budget) break;
    found = level;
  }
  return found;
}

// At the budget of the page the prompt is as it was rendered, with what was packed in beyond the cutoff.
function isShown(piece, budget, data) {
  if (budget === data.budget) return piece[3] === 1;
  return piece[1] !== null && piece[1] <= budget && (piece[2] === null || budget < piece[2]);
}

// What a budget shows: for each message of the tree that has any, its number and [part, piece] in order.
function pick(data, budget) {
  const slots = new Map();
  for (const part of data.parts) {
    for (const piece of part.pieces) {
      if (!isShown(piece, budget, data)) continue;
      if (!slots.has(part.slot)) slots.set(part.slot, []);
      slots.get(part.slot).push([part, piece]);
    }
  }
  return [...slots].sort((a, b) => a[0] - b[0]);
}

// The budgets at which the prompt changes, rising, with the one of the page.
function stops(data) {
  return [...new Set([...data.levels.map((level) => level[1]), data.budget])].sort((a, b) => a - b);
}

// For each part the pieces that a budget shows, or those that it leaves out.
function table(data, budget, shown) {
  const rows = [];
  for (const part of data.parts) {
    const pieces = part.pieces.filter((piece) => isShown(piece, budget, data) === shown);
    if (!pieces.length || (part.marker && !shown)) continue;
    const budgets = pieces.map((piece) => piece[1]).filter((enters) => enters !== null);
    rows.push({
      part,
      origin: originOf(part, pieces),
      tokens: pieces.reduce((sum, piece) => sum + piece[5], 0),
      enters: budgets.length ? Math.min(...budgets) : null,
      gone: pieces.every((piece) => piece[2] !== null && budget >= piece[2]),
    });
  }
  return rows;
}

function originOf(part, pieces) {
  const file = part.file;
  const lines = pieces.map((piece) => piece[4]).filter(Boolean);
  if (!lines.length) return file;
  const first = lines[0].split("-")[0], last = lines[lines.length - 1].split("-").pop();
  return file + ":" + (first === last ? first : first + "-" + last);
}

function entersAt(enters) {
  return enters === null ? "no budget shows it" : "from a budget of " + enters;
}

function start(document) {
  const data = JSON.parse(document.getElementById("prompt").textContent);
  const find = (id) => document.getElementById(id);
  const slider = find("budget"), at = find("at"), views = ["sizes", "view", "shown", "left"].map(find);
  const original = views.map((view) => [...view.childNodes]);
  const all = stops(data);

  function make(tag, text, className, title) {
    const made = document.createElement(tag);
    if (text !== "") made.textContent = text;
    if (className) made.className = className;
    if (title) made.title = title;
    return made;
  }

  function prompt(budget) {
    return pick(data, budget).flatMap(([slot, pieces]) => {
      const pre = make("pre", "");
      for (const [part, piece] of pieces) {
        const title = `${part.name} ${originOf(part, [piece])} - ${piece[5]} tokens, ${entersAt(piece[1])}`;
        pre.append(make("mark", piece[0], "c" + part.hue, title));
      }
      return [make("h2", data.slots[slot]), pre];
    });
  }

  function rows(budget, shown) {
    const made = make("table", ""), head = make("tr", "");
    for (const [title, className] of [["part"], ["origin"], ["tokens", "n"], ["budget"]]) {
      head.append(make("th", title, className));
    }
    made.append(head);
    for (const row of table(data, budget, shown)) {
      const line = make("tr", ""), name = make("td", "");
      name.append(make("mark", row.part.name, "c" + row.part.hue));
      const when = row.gone ? "another version takes its place" : entersAt(row.enters);
      line.append(name, make("td", row.origin), make("td", String(row.tokens), "n"), make("td", when));
      made.append(line);
    }
    return [made];
  }

  function sizes(budget) {
    const level = levelAt(data, budget);
    if (!level) return [make("p", `Nothing fits a budget of ${budget}: what must be shown is larger.`)];
    const cutoff = level[0] === null ? "only what must be shown" : "cutoff " + level[0];
    return [make("p", `A budget of ${budget} shows a prompt of ${level[1]} tokens, reserve included: ${cutoff}. ` +
      "What else would fit is packed in when it is rendered, and not shown here.")];
  }

  function show(budget) {
    slider.value = String(budget);
    at.textContent = String(budget);
    slider.setAttribute("aria-valuetext", budget + " tokens");
    const same = budget === data.budget;
    const fresh = same ? original : [sizes(budget), prompt(budget), rows(budget, true), rows(budget, false)];
    views.forEach((view, number) => view.replaceChildren(...fresh[number]));
  }

  slider.min = String(Math.min(all[0], data.budget));
  slider.max = String(all[all.length - 1]);
  slider.addEventListener("input", () => show(Number(slider.value)));
  find("less").addEventListener("click", () => {
    const below = all.filter((stop) => stop < Number(slider.value));
    if (below.length) show(below[below.length - 1]);
  });
  find("more").addEventListener("click", () => {
    const above = all.find((stop) => stop > Number(slider.value));
    if (above !== undefined) show(above);
  });
  find("back").addEventListener("click", () => show(data.budget));
  slider.value = String(data.budget);
  at.textContent = String(data.budget);
  find("slide").hidden = false;
}

if (typeof document !== "undefined") start(document);
