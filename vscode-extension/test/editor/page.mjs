// What every journey does with the editor's page.

export const MOD = process.platform === "darwin" ? "Meta" : "Control";

export async function openFile(page, name) {
  await page.keyboard.press(`${MOD}+p`);
  await quickInput(page, name);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: name }).first().waitFor();
  await page.waitForTimeout(400);
  await page.keyboard.press("Enter");
  await page.locator(".tab.active", { hasText: name }).waitFor();
  await page.locator(".editor-instance .view-lines").first().click();
  await page.keyboard.press(`${MOD}+Home`); // only lines in sight are there
}

/** Type the head of a function at the end of a file, for which the model has a body. */
export async function beginFunction(page) {
  await openFile(page, "main.py");
  await page.keyboard.press(`${MOD}+End`);
  await page.keyboard.type("\ndef total(a, b):\n", { delay: 40 });
}

export async function ghostText(page) {
  await page.locator(".ghost-text-decoration, .ghost-text").first().waitFor({ timeout: 30_000 });
}

export async function command(page, title) {
  await page.keyboard.press("F1");
  await quickInput(page, `>${title}`);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().waitFor();
  await page.waitForTimeout(400);
  await page.keyboard.press("Enter");
  await page.waitForTimeout(500);
}

/** Put a text into the editor's input once it has the focus: a view that had it may keep it for a while. */
async function quickInput(page, text) {
  await page.locator(".quick-input-widget input:focus").first().waitFor({ timeout: 15_000 });
  await page.locator(".quick-input-widget .quick-input-box input").first().fill(text, { timeout: 10_000 });
}

/** The frame of the conversation. */
export async function chat(page) {
  for (let round = 0; round < 100; round += 1) {
    for (const frame of page.frames()) {
      if ((await frame.locator("#turns").count().catch(() => 0)) > 0) {
        return frame;
      }
    }
    await page.waitForTimeout(100);
  }
  throw new Error("the view of the conversation did not open");
}

/** The text that shows in the editor, ghost text included, with plain blanks. */
export async function lines(page) {
  const texts = await page.locator(".editor-instance .view-line").allInnerTexts();
  return texts.join("\n").replaceAll("\u00a0", " ");
}

export async function until(fact, ms = 15_000) {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    if (await fact()) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("waited in vain");
}
