// What every journey does with the editor's page.

export const MOD = process.platform === "darwin" ? "Meta" : "Control";

export async function openFile(page, name) {
  await quickInput(page, `${MOD}+p`, name);
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
  await quickInput(page, "F1", `>${title}`);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().waitFor();
  await page.waitForTimeout(400);
  await page.keyboard.press("Enter");
  await page.waitForTimeout(500);
}

/** Put a text into the input that a key opens; it closes again where something that was under way takes the focus. */
async function quickInput(page, key, text) {
  for (let left = 3; ; left -= 1) {
    try {
      await page.keyboard.press(key);
      await page.locator(".quick-input-widget input:focus").first().waitFor({ timeout: 5_000 });
      await page.locator(".quick-input-widget .quick-input-box input").first().fill(text, { timeout: 3_000 });
      return;
    } catch (error) {
      if (left === 0) {
        throw error;
      }
      await page.keyboard.press("Escape");
    }
  }
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
