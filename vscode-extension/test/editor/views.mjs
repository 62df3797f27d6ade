// The views of the index, of searches and of edits: what shows while something is under way, and what was decided.
import assert from "node:assert/strict";

import { command, lines, MOD, openFile, until } from "./page.mjs";

const ROW = ".quick-input-list .monaco-list-row";

export const views = {
  "the index view tells what is in, and what is left out by which rule": async (page, shot) => {
    await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
    await command(page, "Kibitz: Show the Index");
    await page.locator(".pane-header", { hasText: /^Ask/ }).click(); // makes room: only rows in sight are there
    const tree = page.locator(".pane", { hasText: "Index" }).locator(".monaco-list-row");
    await tree.filter({ hasText: "In the index" }).waitFor({ timeout: 15_000 });
    await tree.filter({ hasText: "python" }).click();
    await tree.filter({ hasText: "report.py" }).waitFor({ timeout: 15_000 });
    await tree.filter({ hasText: /^lock/ }).click();
    await tree.filter({ hasText: "package-lock.json" }).waitFor({ timeout: 15_000 });
    await shot("index-view");
    await tree.filter({ hasText: "package-lock.json" }).click();
    await page.locator(".tab.active", { hasText: "package-lock.json" }).waitFor();
    await command(page, "Kibitz: Explain Why a File Is Indexed or Not");
    await notification(page, "package-lock.json is left out by the rule “lock”");
    await shot("explained");
  },

  "an index is made anew": async (page, shot) => {
    await command(page, "Kibitz: Rebuild Index");
    await page.locator(".monaco-dialog-box", { hasText: "Throw the index away?" }).waitFor();
    await shot("rebuild-asks");
    await page.locator(".monaco-dialog-box .monaco-button", { hasText: "Rebuild" }).click();
    await page.getByText(/Kibitz: indexing/).first().waitFor({ timeout: 15_000 });
    await page.getByText("Kibitz: ready").waitFor({ timeout: 60_000 });
  },

  "symbols are found by a piece of their name, and lines by an expression": async (page, shot) => {
    await command(page, "Kibitz: Search for Symbols");
    await page.keyboard.type("print_r", { delay: 20 });
    await page.locator(ROW, { hasText: "shapes/report.py:3" }).first().waitFor({ timeout: 15_000 });
    await shot("symbols");
    await page.keyboard.press(`${MOD}+a`);
    await page.keyboard.type("/width \\* h", { delay: 20 });
    await page.locator(ROW, { hasText: "shapes/area.py" }).first().waitFor({ timeout: 15_000 });
    await shot("expression");
    await page.keyboard.press("Enter");
    await page.locator(".tab.active", { hasText: "area.py" }).waitFor();
  },

  "code like the definition at the cursor is shown": async (page, shot) => {
    await openFile(page, "area.py");
    await page.keyboard.press(`${MOD}+Home`);
    await command(page, "Kibitz: Find Related Code");
    await page.locator(ROW, { hasText: "report.py" }).first().waitFor({ timeout: 15_000 });
    await page.getByText("Code like area").first().waitFor();
    await shot("related");
    await page.keyboard.press("Escape");
  },

  "an edit is of the definition at the cursor, and shows in place while it is written": async (page, shot) => {
    await openFile(page, "area.py");
    await page.waitForTimeout(500); // until the extensions know of the cursor
    await command(page, "Kibitz: Edit Code");
    await page.getByText("What should change in area (lines 1-2)?").waitFor();
    await page.keyboard.type("Add a docstring.");
    await shot("edit-definition");
    await page.keyboard.press("Enter");
    await until(async () => /Kibitz writes line \d/.test(await drawn(page)));
    await shot("edit-streams");
    await until(async () => (await lines(page)).includes('"""The area of a rectangle."""'));
    await until(async () => !/Kibitz writes/.test(await drawn(page)));
    await page.locator(".editor-instance .view-lines").first().click();
    await page.keyboard.press(`${MOD}+z`);
    await until(async () => !(await lines(page)).includes("The area of a rectangle"));
  },

  "an edit that is being written is stopped by a key": async (page, shot) => {
    await openFile(page, "area.py");
    const before = await lines(page);
    await command(page, "Kibitz: Edit Code");
    await page.keyboard.type("Write slowly.");
    await page.keyboard.press("Enter");
    await until(async () => /Kibitz writes line \d/.test(await drawn(page)));
    await page.locator(".editor-instance .view-lines").first().click();
    await page.keyboard.press("Escape");
    await until(async () => !/Kibitz (writes|reads)/.test(await drawn(page)));
    await shot("edit-stopped");
    assert.equal(await lines(page), before);
  },

  "several files are changed after a look at what changes": async (page, shot) => {
    await openFile(page, "report.py");
    await command(page, "Kibitz: Edit Files");
    await page.locator(ROW, { hasText: "shapes/area.py" }).first().waitFor();
    await page.keyboard.type("area.py", { delay: 20 });
    await page.waitForTimeout(400);
    await page.locator(ROW, { hasText: "shapes/area.py" }).first().click();
    await shot("files-chosen");
    await page.keyboard.press("Enter");
    await page.getByText(/What should change in .*report\.py/).waitFor();
    await page.keyboard.type("Say size everywhere.");
    await page.keyboard.press("Enter");
    const changes = page.locator(".bulk-edit-panel .monaco-list-row");
    await changes.filter({ hasText: "report.py" }).waitFor({ timeout: 20_000 });
    for (const file of ["area.py", "report.py"]) {
      await changes.filter({ hasText: file }).locator("input[type=checkbox], .edit-checkbox").first().click();
    }
    await shot("refactor-preview");
    await page.getByRole("button", { name: "Apply" }).click();
    await openFile(page, "area.py");
    await until(async () => (await fromTheTop(page)).includes("def size(width, height)"));
    await openFile(page, "report.py");
    await until(async () => (await fromTheTop(page)).includes("from shapes.area import size"));
    await shot("files-changed");
    await page.keyboard.press(`${MOD}+z`);
  },
};

/** In a workspace of two folders. */
export const twoFolders = {
  "both folders are indexed, shown and searched": async (page, shot) => {
    await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
    await command(page, "Kibitz: Show the Index");
    await page.locator(".pane-header", { hasText: /^Ask/ }).click();
    const tree = page.locator(".pane", { hasText: "Index" }).locator(".monaco-list-row");
    await tree.filter({ hasText: /^other/ }).waitFor({ timeout: 15_000 });
    await tree.filter({ hasText: /^folder/ }).waitFor();
    await tree.filter({ hasText: /^4 files in/ }).waitFor();
    await shot("two-folders");
    await command(page, "Kibitz: Search");
    await page.keyboard.type("take money out of an account", { delay: 20 });
    await page.locator(ROW, { hasText: "bank.py" }).first().waitFor({ timeout: 15_000 });
    await page.keyboard.press(`${MOD}+a`);
    await page.keyboard.type("print a report", { delay: 20 });
    await page.locator(ROW, { hasText: "shapes/report.py" }).first().waitFor({ timeout: 15_000 });
    await page.keyboard.press("Escape");
  },
};

/** The lines of a short file, which lenses that come may have pushed out of sight. */
async function fromTheTop(page) {
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press(`${MOD}+Home`);
  return lines(page);
}

/** What is drawn behind lines and is no text of the document. */
async function drawn(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll(".editor-instance .view-line span[class*=ced-]")]
      .map((span) => getComputedStyle(span, "::after").content)
      .join("\n"),
  );
}

/** Wait for a message that may have gone behind the bell already. */
async function notification(page, text) {
  const shown = page.locator(".notifications-toasts, .notifications-center", { hasText: text });
  if ((await shown.count()) === 0) {
    await page.locator("[id='status.notifications']").click();
  }
  await shown.first().waitFor({ timeout: 10_000 });
}
