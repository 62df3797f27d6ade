// The view of the conversation without a mouse, in every kind of theme, and with an answer that means harm.
import assert from "node:assert/strict";

import { chat, command, until } from "./page.mjs";

// Each kind of theme as the page knows it, and the contrast that WCAG wants there: AA, and AAA where contrast is the point.
const THEMES = [
  { theme: "Light Modern", kind: "vscode-light", least: 4.5 },
  { theme: "Dark Modern", kind: "vscode-dark", least: 4.5 },
  { theme: "Dark High Contrast", kind: "vscode-high-contrast", least: 7 },
  { theme: "Light High Contrast", kind: "vscode-high-contrast-light", least: 7 },
];

export const conversation = {
  "the keyboard alone opens the view, asks, and opens a cited place": async (page, shot) => {
    await page.getByText("Kibitz: ready").waitFor({ timeout: 90_000 });
    await command(page, "Focus on Ask View");
    const view = await chat(page);
    await until(() => focused(view, "#question"));
    await page.keyboard.type("Where is the area computed?");
    await page.keyboard.press("Enter");
    await view.locator(".turn > nav.citations").last().waitFor({ timeout: 30_000 });
    assert(await focused(view, "#question"), "the focus has left the field");
    const said = await view.locator("#said").innerText();
    assert.match(said, /is computed in shapes\/area\.py:1-2: width times height\. Code of 2 lines\./);
    await page.keyboard.press("Alt+ArrowUp");
    await until(() => focused(view, ".turn"));
    await shot("keyboard-turn");
    await tabTo(page, view, ".answer a.citation");
    await shot("keyboard-citation");
    await page.keyboard.press("Enter");
    await page.locator(".tab.active", { hasText: "area.py" }).waitFor();
    await until(async () => !(await focused(view, "*")));
  },

  "the keyboard opens what was in the prompt, which says why it was there": async (page, shot) => {
    await command(page, "Focus on Ask View");
    const view = await chat(page);
    await page.keyboard.press("Escape");
    await until(() => focused(view, "#question"));
    await page.keyboard.type("what is selected in @shapes/report.py?");
    await page.keyboard.press("Enter");
    await view.locator(".chip", { hasText: /report\.py:1-\d+ mentioned/ }).last().waitFor({ timeout: 30_000 });
    const whys = await view.locator(".turn").last().locator(".chip .why").allInnerTexts();
    assert(whys.includes("mentioned") && whys.some((why) => why === "found" || why === "earlier"), whys.join());
    await page.keyboard.press("Alt+ArrowUp");
    await tabTo(page, view, ".chip");
    await shot("keyboard-chip");
    const place = await view.evaluate(() => document.activeElement.dataset.path);
    await page.keyboard.press("Enter");
    await page.locator(".tab.active", { hasText: place.split("/").at(-1) }).waitFor();
    await until(async () => !(await focused(view, "*")));
  },

  "Escape closes what is offered, then stops the answer, and the focus stays in the field": async (page) => {
    await command(page, "Focus on Ask View");
    const view = await chat(page);
    await page.keyboard.press("Escape");
    await page.keyboard.type("Answer slowly about @file:rep");
    await view.locator("#suggestions li[aria-selected=true]", { hasText: "report.py" }).waitFor({ timeout: 15_000 });
    const active = await view.locator("#question").getAttribute("aria-activedescendant");
    assert.equal(await view.locator(`#${active}`).getAttribute("role"), "option");
    await page.keyboard.press("Escape");
    await view.locator("#suggestions").waitFor({ state: "hidden" });
    assert.equal(await view.locator("#question").inputValue(), "Answer slowly about @file:rep");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("now");
    await page.keyboard.press("Enter");
    await until(async () => (await view.locator(".answer").last().innerText()).includes("a b"));
    assert.match(await view.locator(".question").last().innerText(), /@file:rep\nnow$/);
    await page.keyboard.press("Alt+ArrowUp");
    await page.keyboard.press("Escape");
    await view.locator(".note", { hasText: "Stopped." }).waitFor();
    await until(() => focused(view, "#question"));
  },

  "what has the focus keeps it while an answer grows": async (page) => {
    const view = await chat(page);
    await command(page, "Focus on Ask View");
    await page.keyboard.press("Escape");
    await page.keyboard.type("Answer slowly");
    await page.keyboard.press("Enter");
    await view.locator(".answer.streaming").waitFor();
    await page.keyboard.press("Alt+ArrowUp");
    await page.keyboard.press("Alt+ArrowUp");
    await page.keyboard.press("Alt+ArrowUp");
    await tabTo(page, view, ".chip");
    await until(async () => (await view.locator(".answer").last().innerText()).includes("d"));
    assert(await focused(view, ".chip"), "the focus was lost");
    await page.keyboard.press("Escape");
    await view.locator(".note", { hasText: "Stopped." }).last().waitFor();
  },

  "an answer can neither load, nor run, nor link to anything": async (page, shot) => {
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    const view = await chat(page);
    await view.locator("#question").fill("Do harm, please");
    await view.locator("#question").press("Enter");
    await until(async () => (await view.locator(".answer").last().innerText()).includes("The end."));
    await until(async () => (await view.locator(".streaming").count()) === 0);
    await shot("harm");
    assert.equal(await view.locator("#turns :is(img, script, style, iframe, form, [style], [onerror])").count(), 0);
    assert.equal(await view.locator("#turns a:not([href='#'])").count(), 0);
    assert.deepEqual(asked.filter((url) => url.includes("harm.invalid")), []);
    const refused = await view.evaluate(async () => {
      const told = [];
      document.addEventListener("securitypolicyviolation", (event) => told.push(event.effectiveDirective));
      const [script, image] = [document.createElement("script"), new Image()];
      script.textContent = "window.ran = true";
      image.src = "https://harm.invalid/page.png";
      document.body.append(script, image);
      document.body.setAttribute("style", "color: red");
      await new Promise((resolve) => setTimeout(resolve, 500));
      script.remove();
      image.remove();
      document.body.removeAttribute("style");
      return { ran: window.ran === true, told: told.sort() };
    });
    assert.deepEqual(refused, { ran: false, told: ["img-src", "script-src-elem", "style-src-attr"] });
  },

  ...Object.fromEntries(
    THEMES.map(({ theme, kind, least }) => [
      `all text can be read in ${theme}`,
      async (page, shot) => {
        await page.keyboard.press("F1");
        await page.keyboard.type("Preferences: Color Theme", { delay: 10 });
        await page.locator(".quick-input-list .monaco-list-row[aria-label^='Preferences: Color Theme']").click();
        await page.locator(".quick-input-widget input[placeholder^='Select Color Theme']").waitFor();
        await page.keyboard.type(theme, { delay: 20 });
        await page.locator(".quick-input-list .monaco-list-row.focused", { hasText: theme }).waitFor();
        await page.keyboard.press("Enter");
        const view = await chat(page);
        await view.locator(`body.${kind}`).waitFor();
        await command(page, "Kibitz: New Conversation");
        await view.locator("#question").fill("Where is the area computed?");
        await view.locator("#question").press("Enter");
        await view.locator(".turn > nav.citations").last().waitFor({ timeout: 30_000 });
        await page.keyboard.press("Alt+ArrowUp");
        await tabTo(page, view, ".chip");
        await shot(`theme-${theme.replaceAll(" ", "-").toLowerCase()}`);
        const poor = (await view.evaluate(contrasts)).filter(({ ratio }) => ratio < least);
        assert.deepEqual(poor, []);
      },
    ]),
  ),

  "nothing is cut off in a narrow side bar": async (page, shot) => {
    const view = await chat(page);
    const box = await page.locator(".part.sidebar").boundingBox();
    await page.mouse.move(box.x + box.width, 400);
    await page.mouse.down();
    await page.mouse.move(box.x + 200, 400, { steps: 5 });
    await page.mouse.up();
    await page.waitForTimeout(500);
    await shot("narrow");
    const wide = await view.evaluate(() => {
      const all = [...document.querySelectorAll("body *:not(pre *):not(.offscreen)")];
      return all.filter((each) => each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.className);
    });
    assert.deepEqual(wide, []);
    assert((await view.evaluate(() => innerWidth)) < 260, "the side bar is not narrow");
  },
};

/** Whether what has the focus in the view is such an element. */
function focused(view, selector) {
  return view.evaluate((wanted) => document.hasFocus() && document.activeElement.matches(wanted), selector);
}

async function tabTo(page, view, selector) {
  for (let round = 0; round < 40; round += 1) {
    await page.keyboard.press("Tab");
    if (await focused(view, selector)) {
      return;
    }
  }
  throw new Error(`the Tab key does not reach ${selector}`);
}

/** In the page: each text's contrast to what is behind it (WCAG 2). */
function contrasts() {
  const parsed = (color) => {
    const [r = 0, g = 0, b = 0, a = 1] = (color.match(/[\d.]+/g) ?? []).map(Number);
    return { r, g, b, a: color === "transparent" ? 0 : a };
  };
  const over = (top, below) => {
    const mix = (name) => top[name] * top.a + below[name] * (1 - top.a);
    return { r: mix("r"), g: mix("g"), b: mix("b"), a: 1 };
  };
  const luminance = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    const own = parsed(getComputedStyle(element).backgroundColor);
    const parent = element.parentElement;
    const page = parsed(getComputedStyle(document.querySelector("form")).backgroundColor);
    return own.a === 1 ? own : over(own, parent === null ? page : behind(parent));
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data.trim()).join("");
    if (text !== "" && element.checkVisibility() && element.closest(".offscreen, [hidden]") === null) {
      const back = behind(element);
      const [a, b] = [luminance(over(parsed(getComputedStyle(element).color), back)), luminance(back)];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      found.push({ what: `${element.tagName.toLowerCase()}.${element.className}`, text: text.slice(0, 20), ratio: Math.round(ratio * 100) / 100 });
    }
  }
  return found;
}
