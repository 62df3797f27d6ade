// @kibitz in the editor's own chat view.
import assert from "node:assert/strict";

import { command, until } from "./page.mjs";

export const participant = {
  "the editor's own chat answers with references, and a cited place opens": async (page, shot) => {
    await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
    await command(page, "Chat: Open Chat");
    await page.locator(".interactive-session", { hasText: "Scripted" }).waitFor();
    const input = page.locator(".interactive-input-editor").first();
    await input.click();
    await page.keyboard.type("@kibitz Where is the area computed?", { delay: 20 });
    await shot("native-chat-asks");
    await page.keyboard.press("Enter");
    const answer = page.locator(".interactive-response").last();
    await until(async () => (await answer.innerText()).includes("Cited:"), 300);
    await shot("native-chat");
    assert.match(await answer.innerText(), /is computed in/);
  },
};
