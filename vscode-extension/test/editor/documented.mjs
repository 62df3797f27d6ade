// docs/editors.md, followed to the letter: from nothing to the first ghost text.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";

import { beginFunction, command, ghostText, lines, until } from "./page.mjs";
import { click } from "./serverJourneys.mjs";

/** What the page has a person type after `code`, and the names of what it has him press, in its order. */
export async function documented(page) {
  const text = await readFile(page, "utf8");
  const section = text.split(/^## /m).find((each) => each.startsWith("VS Code\n")) ?? "";
  const words = /^code (.*)$/m.exec(section)?.[1].split(" ") ?? [];
  const root = dirname(dirname(page));
  const args = words.map((word) => (word.endsWith(".vsix") && !isAbsolute(word) ? join(root, word) : word));
  return { args, names: [...section.matchAll(/\*\*(.+?)\*\*/g)].map((found) => found[1]) };
}

export const fromNothing = ([install, setEndpoint, take, ...more], model, began) => ({
  "what the page says leads from nothing to ghost text": async (page, shot) => {
    assert.deepEqual(more, []);
    await click(page, "Kibitz has no server yet", install, shot, "documented-offer");
    await page.getByText("Kibitz: ready").waitFor({ timeout: 180_000 });
    await command(page, setEndpoint);
    await page.locator(".quick-input-widget", { hasText: "The base URL" }).waitFor({ timeout: 15_000 });
    const field = page.locator(".quick-input-widget input").last();
    await field.fill(model);
    await field.press("Enter");
    await page.waitForTimeout(2_000); // the server is started again with it
    await page.getByText("Kibitz: ready").waitFor({ timeout: 60_000 });
    await beginFunction(page);
    await ghostText(page);
    await shot("documented-ghost-text");
    console.log(`from nothing to ghost text: ${Math.round((Date.now() - began) / 1000)} s`);
    await page.keyboard.press(take);
    await until(async () => (await lines(page)).includes("return a + b"));
  },
});
