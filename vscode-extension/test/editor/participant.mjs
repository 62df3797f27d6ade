// @kibitz in the editor's own chat view.
import assert from "node:assert/strict";

import { command, until } from "./page.mjs";

export const participant = {
  "the editor's own chat answers, and a cited place opens": async (page, shot) => {
    await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
    await command(page, "Chat: Open Chat");
    // Without a model of its own the editor asks no participant.
    await page.locator(".interactive-session", { hasText: "Scripted" }).waitFor();
    const answer = await ask(page, "@kibitz Where is the area computed?");
    await until(async () => (await answer.innerText()).includes("Cited:"));
    await shot("native-chat");
    assert.match(await answer.innerText(), /is computed in/);
    await answer.locator(".chat-inline-anchor-widget", { hasText: "area.py" }).first().click();
    await page.locator(".tab.active", { hasText: "area.py" }).waitFor();
  },

  "a prompt of the server's is one of the editor's own chat": async (page, shot, asked) => {
    const answer = await ask(page, "/explain what is selected?");
    await until(async () => (await answer.innerText()).includes("It adds."));
    await shot("native-chat-prompt");
    assert.match(JSON.stringify((await asked()).at(-1)), /Explain what this code does.*what is selected\?/);
  },

  "an answer in the editor's own chat loads nothing and runs nothing": async (page, shot) => {
    const loaded = [];
    page.on("request", (request) => loaded.push(request.url()));
    const answer = await ask(page, "Do harm, please");
    await until(async () => (await answer.innerText()).includes("The end."));
    await shot("native-chat-harm");
    assert.deepEqual(loaded.filter((url) => url.includes("harm.invalid")), []);
    assert.equal(await answer.locator(":is([href^=command], [data-href^=command], [data-href^=javascript], [src*=harm])").count(), 0);
  },
};

/** Ask in the chat view; what holds the answer. */
async function ask(page, text) {
  const answers = page.locator(".interactive-response");
  const before = await answers.count();
  await page.locator(".interactive-input-editor").first().click();
  await page.keyboard.type(text, { delay: 20 });
  await page.waitForTimeout(500); // what is offered for the words comes and goes
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  await until(async () => (await answers.count()) > before);
  return answers.last();
}
