// How the server comes to be and stays: it is installed by one click, replaced with the extension, and restarted after a crash.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile, rename } from "node:fs/promises";
import { delimiter, join } from "node:path";

import { command, until } from "./page.mjs";

/** The editor's environment with no Kibitz on the PATH, and with no way to a package index. */
export function withoutKibitz() {
  const folders = process.env.PATH.split(delimiter).filter((folder) => !existsSync(join(folder, "kibitz")));
  const nowhere = "http://127.0.0.1:9";
  return { PATH: folders.join(delimiter), PIP_INDEX_URL: nowhere, HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere };
}

/** In an editor without a server; `root` is where the environments go. */
export const installed = (root) => ({
  "a message offers to install the server, and the installation can be cancelled": async (page, shot) => {
    await page.getByText("Kibitz: stopped").waitFor({ timeout: 60_000 });
    await click(page, "Kibitz has no server yet", "Install", shot, "install-offered");
    await page.getByText("Kibitz: installing").waitFor();
    const progress = await message(page, "Installing the Kibitz server");
    await progress.getByText("collecting").waitFor({ timeout: 60_000 });
    await shot("installing");
    await progress.getByText("Cancel").click();
    await page.getByText("Kibitz: stopped").waitFor({ timeout: 15_000 });
    assert.deepEqual(await readdir(root), []);
    await shot("install-cancelled");
  },

  "one click installs it out of a folder, without a network, and a search works": async (page, shot) => {
    await command(page, "Kibitz: Restart Server");
    await click(page, "Kibitz has no server yet", "Install", shot, "install-offered-again");
    await page.getByText("Kibitz: ready").waitFor({ timeout: 180_000 });
    await shot("installed");
    assert.equal((await readdir(root)).length, 1);
    await command(page, "Kibitz: Search");
    await page.keyboard.type("print a report", { delay: 20 });
    await page.locator(".quick-input-list .monaco-list-row", { hasText: "shapes/report.py" }).first().waitFor();
    await shot("installed-search");
    await page.keyboard.press("Escape");
  },

  "an older version's server works until the new one is there, then it goes": async (page, shot) => {
    const [version] = await readdir(root);
    await rename(join(root, version), join(root, "0.0.1"));
    await command(page, "Kibitz: Restart Server");
    await page.getByText("Kibitz: ready").waitFor({ timeout: 60_000 });
    await message(page, "Installing the Kibitz server");
    await shot("replacing");
    await until(async () => (await readdir(root)).join() === version, 180_000);
    await page.getByText("Kibitz: ready").waitFor({ timeout: 60_000 });
    await shot("replaced");
  },
});

/** With a server that ends as soon as it has started; it writes a line to `log` at each start. */
export const crashing = (log) => ({
  "a server that stops again and again is left stopped, with one message": async (page, shot) => {
    await page.getByText("Kibitz: stopped").waitFor({ timeout: 60_000 });
    const row = await message(page, "stopped again and again");
    await shot("left-stopped");
    assert.equal(await page.locator(".notifications-center .monaco-list-row").count(), 1);
    const started = async () => (await readFile(log, "utf8")).trim().split("\n").length;
    assert.equal(await started(), 5);
    await row.getByText("Restart", { exact: true }).click();
    await until(async () => (await started()) > 5, 15_000);
  },
});

/** A message that is shown; an editor under test keeps them behind the bell. */
async function message(page, text) {
  const row = page.locator(".notifications-center .monaco-list-row", { hasText: text });
  await until(async () => {
    if (!(await page.locator(".notifications-center").isVisible())) {
      await page.locator("[id='status.notifications']").click();
    }
    return (await row.count()) > 0;
  }, 30_000);
  return row.first();
}

export async function click(page, text, button, shot, name) {
  const row = await message(page, text);
  await shot(name);
  await row.getByText(button, { exact: true }).click();
}
