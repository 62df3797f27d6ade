// What a user sees and does, in the editor's own page; each journey leaves a screenshot.
import assert from "node:assert/strict";

import { beginFunction, chat, command, ghostText, lines, MOD, openFile, until } from "./page.mjs";

export const journeys = {
  "the status bar says that the index is ready": async (page, shot) => {
    await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
    await shot("status");
  },

  "ghost text shows while typing, and Tab accepts it": async (page, shot) => {
    await beginFunction(page);
    await ghostText(page);
    await shot("ghost-text");
    await page.keyboard.press("Tab");
    await until(async () => (await lines(page)).includes("return a + b"));
    assert.equal(await page.locator(".ghost-text-decoration").count(), 0);
    await shot("accepted");
  },

  "an answer streams into the view, and a cited place opens": async (page, shot) => {
    await command(page, "Kibitz: Ask");
    await page.keyboard.type("Where is the area computed?");
    await page.keyboard.press("Enter");
    const answer = await chat(page);
    await answer.locator(".answer.streaming").waitFor();
    await until(async () => (await answer.locator(".answer").last().innerText()).includes("computed in"));
    await shot("answer-streams");
    await answer.locator(".turn > nav.citations").last().waitFor({ timeout: 30_000 });
    await shot("answer");
    await answer.locator(".answer a", { hasText: "shapes/area.py:1-2" }).click();
    await page.locator(".tab.active", { hasText: "area.py" }).waitFor();
    await shot("cited-lines");
  },

  "a follow-up is asked in the view itself, and can be stopped": async (page, shot) => {
    const answer = await chat(page);
    await answer.locator("textarea").fill("Now answer slowly");
    await answer.locator("textarea").press("Enter");
    await until(async () => (await answer.locator(".answer").last().innerText()).includes("a b"));
    await answer.locator("#stop").click();
    await answer.locator(".note", { hasText: "Stopped." }).waitFor();
    await shot("stopped");
    await answer.getByRole("button", { name: "Continue" }).click();
    await until(async () => (await answer.locator(".answer").last().innerText()).endsWith("done."));
    assert.equal(await answer.getByRole("button", { name: "Continue" }).count(), 0);
  },

  "mentions and prompts are offered, and go with the question": async (page, shot, asked) => {
    const view = await chat(page);
    const field = view.locator("textarea");
    await field.fill("");
    await field.pressSequentially("What does @file:rep");
    await view.locator("#suggestions li", { hasText: "report.py" }).waitFor({ timeout: 15_000 });
    await shot("mention");
    await field.press("Tab");
    assert.equal(await field.inputValue(), "What does @file:shapes/report.py ");
    await field.fill("/");
    await field.press("End");
    await field.pressSequentially("rev");
    await view.locator("#suggestions li", { hasText: "/review" }).waitFor({ timeout: 15_000 });
    await field.press("Escape");
    await field.fill("what is selected in @file:main.py?");
    await field.press("Enter");
    await until(async () => (await view.locator(".answer").last().innerText()).includes("It adds."));
    await view.locator(".sources .chip", { hasText: /main\.py:1-\d+ mentioned/ }).last().waitFor();
    await shot("sources");
    assert.match(JSON.stringify((await asked()).at(-1)), /main\.py:1-/);
  },

  "code of an answer is copied, and inserted at the cursor": async (page, shot) => {
    await openFile(page, "report.py");
    await page.keyboard.press(`${MOD}+End`);
    const view = await chat(page);
    const block = view.locator(".codeblock", { hasText: "return width * height" }).first();
    await block.getByRole("button", { name: "Insert" }).click();
    await until(async () => (await lines(page)).split("return width * height").length === 2);
    await shot("inserted");
    await page.locator(".editor-instance .view-lines").first().click();
    await page.keyboard.press(`${MOD}+z`);
  },

  "a conversation is kept, and can be gone on with": async (page, shot) => {
    await command(page, "Kibitz: New Conversation");
    const view = await chat(page);
    await until(async () => (await view.locator(".turn").count()) === 0);
    await command(page, "Kibitz: Conversations");
    const kept = page.locator(".quick-input-list .monaco-list-row", { hasText: "Where is the area computed?" }).first();
    await kept.waitFor({ timeout: 15_000 });
    await shot("conversations");
    await kept.click();
    await until(async () => (await view.locator(".turn").count()) >= 3);
    await view.locator(".answer a", { hasText: "shapes/area.py:1-2" }).first().waitFor();
  },

  "the prompt of a question is shown with its budget": async (page, shot) => {
    await command(page, "Kibitz: Show Prompt");
    await page.keyboard.type("Where is the area computed?");
    await page.keyboard.press("Enter");
    await page.locator(".tab.active", { hasText: "Prompt" }).waitFor({ timeout: 30_000 });
    await page.waitForTimeout(1_500);
    await shot("prompt");
    await page.keyboard.press(`${MOD}+F4`);
  },

  "the prompts that were sent are shown": async (page, shot) => {
    await command(page, "Kibitz: Show Sent Prompts");
    await page.locator(".quick-input-list .monaco-list-row", { hasText: "what is selected in @file:main.py?" }).first().click();
    await page.locator(".tab.active", { hasText: "prompt of" }).waitFor({ timeout: 15_000 });
    await until(async () => (await lines(page)).includes("# system"));
    await shot("sent-prompt");
    await page.keyboard.press(`${MOD}+F4`);
  },

  "an edit changes the selection": async (page, shot) => {
    await openFile(page, "area.py");
    await page.keyboard.press(`${MOD}+a`);
    await command(page, "Kibitz: Edit Code");
    await page.keyboard.type("Add a docstring.");
    await shot("edit-asks");
    await page.keyboard.press("Enter");
    await until(async () => (await lines(page)).includes('"""The area of a rectangle."""'));
    const lens = page.locator(".codelens-decoration a");
    await lens.filter({ hasText: "Reject" }).first().waitFor({ timeout: 15_000 });
    await shot("edited");
    await page.keyboard.press(`${MOD}+z`);
    await until(async () => !(await lines(page)).includes("The area of a rectangle"));
    await until(async () => (await lens.count()) === 0);
  },

  "a change is rejected, and another one accepted": async (page, shot) => {
    await openFile(page, "report.py");
    await page.keyboard.press(`${MOD}+a`);
    await command(page, "Kibitz: Edit Code");
    await page.keyboard.type("Rename twice.");
    await page.keyboard.press("Enter");
    const lens = page.locator(".codelens-decoration a");
    await lens.filter({ hasText: "Accept all 2" }).waitFor({ timeout: 15_000 });
    await shot("two-changes");
    await lens.filter({ hasText: /^Reject$/ }).first().click();
    await until(async () => (await lens.filter({ hasText: /^Accept$/ }).count()) === 1);
    await lens.filter({ hasText: /^Accept$/ }).click();
    await until(async () => (await lens.count()) === 0);
    await shot("decided");
    const text = await lines(page);
    assert.match(text, /def print_report\(rectangles\)/);
    assert.match(text, /print\("changed"/);
    await page.keyboard.press(`${MOD}+z`);
  },

  "a search shows hits as one types": async (page, shot) => {
    await command(page, "Kibitz: Search");
    await page.keyboard.type("print a report", { delay: 20 });
    const hit = page.locator(".quick-input-list .monaco-list-row", { hasText: "shapes/report.py" }).first();
    await hit.waitFor({ timeout: 15_000 });
    await shot("search");
    await hit.click();
    await page.locator(".tab.active", { hasText: "report.py" }).waitFor();
  },

  "a click on the status shows it": async (page, shot) => {
    await page.getByText("Kibitz: ready").click();
    await page.locator(".quick-input-list .monaco-list-row", { hasText: "chunks" }).waitFor();
    await shot("status-shown");
    await page.keyboard.press("Escape");
  },
};

/** With a key stored; `asked` tells what the model was asked. */
export const withKey = {
  "the key that was set reaches the model, and nothing shows it": async (page, shot, asked) => {
    await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
    await command(page, "Kibitz: Set API Key");
    await page.keyboard.type("sk-for-the-test");
    await shot("key");
    await page.keyboard.press("Enter");
    await page.waitForTimeout(3_000); // the server is started again with the key
    await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
    const before = await asked();
    await command(page, "Kibitz: Ask");
    await page.keyboard.type("Where is the area computed?");
    await page.keyboard.press("Enter");
    await (await chat(page)).locator(".turn > nav.citations").last().waitFor({ timeout: 30_000 });
    const after = await asked();
    assert.deepEqual([before.at(-1)?.has_key ?? false, after.at(-1).has_key], [false, true]);
  },
};

/** In a folder that is not trusted. */
export const restricted = {
  "a search works": async (page, shot) => {
    await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
    await command(page, "Kibitz: Search");
    await page.keyboard.type("print a report", { delay: 20 });
    await page.locator(".quick-input-list .monaco-list-row", { hasText: "shapes/report.py" }).first().waitFor();
    await shot("restricted");
    await page.keyboard.press("Escape");
  },

  "no model is asked while typing": async (page, _shot, asked) => {
    const before = await asked();
    await beginFunction(page);
    await page.waitForTimeout(3_000);
    assert.equal(await page.locator(".ghost-text-decoration").count(), 0);
    assert.equal((await asked()).length, before.length);
  },

  "asking and editing are not offered": async (page) => {
    await page.keyboard.press("F1");
    await page.keyboard.type("Kibitz: ", { delay: 20 });
    await page.locator(".quick-input-list .monaco-list-row", { hasText: "Kibitz: Search" }).first().waitFor();
    const offered = (await page.locator(".quick-input-list .monaco-list-row").allInnerTexts()).join("\n");
    assert.doesNotMatch(offered, /Kibitz: (Ask|Edit)/);
    await page.keyboard.press("Escape");
  },
};

/** With a setting that names no Python. */
export const withoutServer = {
  "a message says which setting is wrong, and opens it": async (page, shot) => {
    await page.getByText("Kibitz: stopped").waitFor({ timeout: 60_000 });
    // An editor under test keeps its messages behind the bell.
    await page.locator("[id='status.notifications']").click();
    const message = page.locator(".notifications-center", { hasText: "named by kibitz.server.interpreter" });
    await message.waitFor();
    await shot("no-server");
    await message.getByText("Open Setting").click();
    await page.locator(".settings-editor").waitFor({ timeout: 15_000 });
    await shot("setting");
  },
};

/** With a program that ends at once. */
export const withBrokenServer = {
  "a server that ends at once is given up with a message": async (page, shot) => {
    await page.getByText("Kibitz: stopped").waitFor({ timeout: 60_000 });
    await page.waitForTimeout(2_000);
    await page.locator("[id='status.notifications']").click();
    await page.locator(".notifications-center", { hasText: "could not be started: it ended at once." }).waitFor();
    await shot("broken-server");
    assert.equal(await page.locator(".notifications-center .monaco-list-row").count(), 1);
  },
};
