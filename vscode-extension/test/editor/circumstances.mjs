// What a user sees where something is large, missing, or there for the first time.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { beginFunction, chat, command, ghostText, lines, MOD, until } from "./page.mjs";

/** In a folder of 5,000 files. */
export const large = {
  "indexing shows how far it is, and can be cancelled": async (page, shot) => {
    await page.getByText(/Kibitz: indexing \d+ %/).waitFor({ timeout: 60_000 });
    await command(page, "Kibitz: Show the Index");
    await page.locator(".pane", { hasText: "Indexing the workspace" }).waitFor({ timeout: 15_000 });
    await shot("indexing");
    await page.locator(".pane", { hasText: "Indexing the workspace" }).hover();
    await page.getByRole("button", { name: "Cancel Indexing" }).click();
    await page.getByText("Kibitz: not indexed").waitFor({ timeout: 15_000 });
    await shot("indexing-cancelled");
  },

  "a round that was cancelled is made whole by the next one": async (page, shot) => {
    await command(page, "Kibitz: Index Workspace");
    await page.getByText("Kibitz: ready").waitFor({ timeout: 120_000 });
    const tree = page.locator(".pane", { hasText: "Index" }).locator(".monaco-list-row");
    await tree.filter({ hasText: /5,003 files in/ }).waitFor({ timeout: 15_000 });
    await shot("indexed");
  },
};

/** With a server that is killed. */
export const killed = (folder) => ({
  "a server that is killed comes back, and answers": async (page, shot) => {
    await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
    const [pid, ...others] = await serversIn(folder);
    assert.deepEqual(others, []);
    process.kill(pid, "SIGKILL");
    await until(async () => (await page.getByText("Kibitz: ready").count()) === 0);
    await shot("killed");
    await page.getByText("Kibitz: ready").waitFor({ timeout: 60_000 });
    assert.notEqual((await serversIn(folder))[0], pid);
    await command(page, "Kibitz: Search");
    await page.keyboard.type("print a report", { delay: 20 });
    await page.locator(".quick-input-list .monaco-list-row", { hasText: "shapes/report.py" }).first().waitFor();
    await shot("back-again");
    await page.keyboard.press("Escape");
  },
});

/** The Kibitz servers below the editor of a folder. */
async function serversIn(folder) {
  const data = join(dirname(folder), "data");
  const found = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const words = await wordsOf(pid);
    if (words.includes("kibitz.server") && words.includes("serve") && (await isBelow(pid, data))) {
      found.push(Number(pid));
    }
  }
  return found;
}

/** Whether a process that was started with a word is among those that a process was started by. */
async function isBelow(pid, word) {
  for (let at = pid; at !== undefined && at !== "0"; ) {
    if ((await wordsOf(at)).includes(word)) {
      return true;
    }
    at = /^PPid:\s+(\d+)$/m.exec(await readFile(`/proc/${at}/status`, "utf8").catch(() => ""))?.[1];
  }
  return false;
}

async function wordsOf(pid) {
  return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
}

/** With an endpoint at which nobody listens. */
export const failing = {
  "a question fails with a sentence": async (page, shot) => {
    await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
    await command(page, "Kibitz: Ask");
    await page.keyboard.type("Where is the area computed?");
    await page.keyboard.press("Enter");
    const view = await chat(page);
    await view.locator(".note", { hasText: /No answer from .*: is the server running\?/ }).waitFor({ timeout: 30_000 });
    await shot("no-endpoint");
  },

  "ghost text that cannot be had shows in the status, and a search still works": async (page, shot) => {
    await beginFunction(page);
    await page.getByText("Kibitz: offline").waitFor({ timeout: 30_000 });
    await shot("offline");
    await command(page, "Kibitz: Search");
    await page.keyboard.type("print a report", { delay: 20 });
    await page.locator(".quick-input-list .monaco-list-row", { hasText: "shapes/report.py" }).first().waitFor();
    await page.keyboard.press("Escape");
  },
};

/** With an endpoint that is started while the editor is open. */
export const afterward = (start) => ({
  "an endpoint that comes back is used again": async (page, shot) => {
    await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
    await beginFunction(page);
    await page.getByText("Kibitz: offline").waitFor({ timeout: 30_000 });
    await start();
    await until(async () => {
      await page.keyboard.type("#");
      await page.keyboard.press("Backspace");
      await page.waitForTimeout(1_000);
      return (await page.getByText("Kibitz: ready").count()) > 0;
    });
    await shot("back");
  },
});

/** With nothing set: the walkthrough, from its first step to ghost text. */
export const firstRun = (model) => ({
  "the walkthrough leads to ghost text": async (page, shot) => {
    await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
    await command(page, "Welcome: Open Walkthrough...");
    await page.keyboard.type("Begin with Kibitz", { delay: 20 });
    await page.locator(".quick-input-list .monaco-list-row", { hasText: "Begin with Kibitz" }).first().waitFor();
    await page.keyboard.press("Enter");
    const step = (title) => page.locator(".getting-started-step", { hasText: title });
    await step("Your code is indexed").waitFor({ timeout: 15_000 });
    await shot("walkthrough");
    await step("Name a model").click();
    await page.getByRole("button", { name: "Set the Endpoint" }).click();
    await page.locator(".quick-input-widget", { hasText: "Set Endpoint" }).waitFor({ timeout: 15_000 });
    const field = page.locator(".quick-input-widget input").last();
    await field.fill("localhost");
    await page.getByText("begins with http:// or https://").waitFor();
    await field.fill(model);
    await shot("endpoint");
    await field.press("Enter");
    await page.waitForTimeout(3_000); // the server is started again with it
    await page.getByText("Kibitz: ready").waitFor({ timeout: 60_000 });
    await beginFunction(page);
    await ghostText(page);
    await shot("first-ghost-text");
    await page.keyboard.press("Tab");
    await until(async () => (await lines(page)).includes("return a + b"));
    assert.equal(await page.locator(".ghost-text-decoration").count(), 0);
  },
});

/** How long the extension took to get ready, as the editor itself measures it; printed, for docs/benchmarks.md. */
export const activation = Object.fromEntries(
  Array.from({ length: 5 }, (_, round) => [
    `activation ${round + 1}`,
    async (page, shot) => {
      await page.reload();
      await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
      await command(page, "Developer: Show Running Extensions");
      const row = page.locator(".runtime-extensions-editor .monaco-list-row", { hasText: "Kibitz" }).first();
      await row.waitFor({ timeout: 15_000 });
      await shot("activation");
      console.log((await row.innerText()).replaceAll("\n", " ").match(/Activation: \d+ ?ms/)?.[0] ?? (await row.innerText()));
      await page.keyboard.press(`${MOD}+F4`);
    },
  ]),
);
