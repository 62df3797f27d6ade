// Installs the .vsix into a VS Code server, opens it in a browser and runs the tests there; see README.md beside this.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { conversation } from "./chat.mjs";
import { participant } from "./participant.mjs";
import { journeys, restricted, withBrokenServer, withKey, withoutServer } from "./journeys.mjs";
import { activation, afterward, failing, firstRun, killed, large } from "./circumstances.mjs";
import { crashing, installed, withoutKibitz } from "./serverJourneys.mjs";
import { documented, fromNothing } from "./documented.mjs";
import { twoFolders, views } from "./views.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const extension = resolve(here, "../..");
const root = resolve(extension, "..");
const tools = resolve(needed("EDITOR_TEST_TOOLS"));
const python = needed("EDITOR_TEST_PYTHON");
const out = resolve(process.env.EDITOR_TEST_OUT ?? join(extension, "dist/editor/screenshots"));
const { chromium } = createRequire(join(tools, "package.json"))("playwright-core");

const children = [];
const work = await mkdtemp(join(tmpdir(), "kibitz-editor-"));
const results = join(work, "results.txt");
let failed = 1;
try {
  failed = await main();
} finally {
  for (const child of children) {
    child.kill();
  }
  await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
  await rm(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
process.exit(failed === 0 ? 0 : 1);

async function main() {
  await mkdir(out, { recursive: true });
  const vsix = process.env.EDITOR_TEST_VSIX ?? (await readdir(extension)).find((name) => name.endsWith(".vsix"));
  if (vsix === undefined) {
    throw new Error("There is no .vsix: npm run package first.");
  }
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
  args.push("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"); // the workbench would ask its shop for extensions
  const browser = await chromium.launch({ executablePath: process.env.EDITOR_TEST_CHROMIUM ?? "/usr/bin/chromium", args });
  const groups = groupsOf(browser, vsix);
  const only = process.argv[2];
  if (only !== undefined && !(only in groups)) {
    throw new Error(`There is no group ${only}; there are: ${Object.keys(groups).join(", ")}.`);
  }
  const chosen = only === undefined ? Object.keys(groups).filter((name) => name !== "activation") : [only];
  let count = 0;
  // Two at a time: an editor mostly waits.
  const lane = async () => {
    for (let name = chosen.shift(); name !== undefined; name = chosen.shift()) {
      let failures = await attempt(groups[name]);
      if (failures > 0) {
        // A page that is slow to draw can mislead a journey: what fails twice, in an editor of its own each time, has failed.
        console.log(`again - ${name}`);
        failures = await attempt(groups[name]);
      }
      count += failures;
    }
  };
  try {
    await Promise.all([lane(), lane()]);
    return count;
  } finally {
    await browser.close();
  }
}

/** Run a group with a model of its own; the number of failures. */
async function attempt(group) {
  try {
    return await group(await startModel());
  } catch (error) {
    console.log(`not ok - ${error.message.split("\n", 1)[0]}`);
    return 1;
  }
}

/** What can be run, by name, the longest first: each with editors and a model of its own, to the number of failures. */
function groupsOf(browser, vsix) {
  const unset = { "kibitz.endpoint.baseUrl": undefined, "kibitz.model.chat": undefined, "kibitz.model.completion": undefined };
  const bare = { "kibitz.server.interpreter": "", "kibitz.server.wheels": process.env.EDITOR_TEST_WHEELS ?? "" };
  return {
    async circumstances(model) {
      let count = await walk(browser, await openEditor("large", vsix, model, { fill: manyFiles }), large, model);
      const mortal = await openEditor("killed", vsix, model);
      count += await walk(browser, mortal, killed(mortal.folder), model);
      const late = `http://127.0.0.1:${await freePort()}/v1`;
      const nobody = { "kibitz.endpoint.baseUrl": late };
      count += await walk(browser, await openEditor("failing", vsix, model, { settings: nobody }), failing, model);
      const failed = await openEditor("late", vsix, model, { settings: nobody });
      count += await walk(browser, failed, afterward(() => startModel(new URL(late).port)), model);
      const user = { "workbench.startupEditor": "welcomePage" };
      const fresh = await openEditor("first", vsix, model, { settings: unset, user, fill: ourRepository });
      return count + (await walk(browser, fresh, firstRun(model), model));
    },

    async server(model) {
      const ending = join(work, "starts.txt");
      const crashes = { "kibitz.server.command": [python, join(here, "crashing_server.py"), ending] };
      const count = await walk(browser, await openEditor("crashing", vsix, model, { settings: crashes }), crashing(ending), model);
      const editor = await openEditor("install", vsix, model, { settings: bare, env: withoutKibitz() });
      const environments = join(work, "install", "data/User/globalStorage/kibitz.kibitz/server");
      return count + (await walk(browser, editor, installed(environments), model));
    },

    async settings(model) {
      let count = await walk(browser, await openEditor("key", vsix, model), withKey, model);
      count += await walk(browser, await openEditor("restricted", vsix, model, { trusted: false }), restricted, model);
      const nowhere = { "kibitz.server.interpreter": "/nowhere/python" };
      count += await walk(browser, await openEditor("no-server", vsix, model, { settings: nowhere }), withoutServer, model);
      const broken = { "kibitz.server.command": ["/bin/false"] };
      return count + (await walk(browser, await openEditor("broken", vsix, model, { settings: broken }), withBrokenServer, model));
    },

    suite: async (model) => suite(browser, await openEditor("suite", vsix, model)),
    chat: async (model) => walk(browser, await openEditor("chat", vsix, model), conversation, model),
    journeys: async (model) => walk(browser, await openEditor("journeys", vsix, model), journeys, model),
    async views(model) {
      const count = await walk(browser, await openEditor("views", vsix, model), views, model);
      const editor = await openEditor("two", vsix, model, { fill: secondFolder });
      return count + (await walk(browser, { ...editor, opened: `workspace=${editor.folder}/../two.code-workspace` }, twoFolders, model));
    },

    async documented(model) {
      const began = Date.now();
      const { args, names } = await documented(join(root, "docs/editors.md"));
      const settings = { ...bare, ...unset };
      const editor = await openEditor("documented", vsix, model, { settings, env: withoutKibitz(), args, fill: ourRepository });
      return walk(browser, editor, fromNothing(names, model, began), model);
    },

    participant: async (model) =>
      walk(browser, await openEditor("participant", vsix, model), participant, model, join(here, "model")),

    activation: async (model) => walk(browser, await openEditor("activation", vsix, model), activation, model),
  };
}

/** A VS Code server of its own, with the extension installed, and a copy of the folder; its port and that folder. */
async function openEditor(name, vsix, model, { trusted = true, settings = {}, user = {}, env = {}, fill, args } = {}) {
  const home = join(work, name);
  const folder = join(home, "folder");
  await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  await cp(join(here, "folder"), folder, { recursive: true });
  await fill?.(folder);
  await writeSettings(home, model, trusted, settings, user);
  await ended(startEditor(home, args ?? ["--install-extension", resolve(extension, vsix)]));
  const port = await freePort();
  const serve = ["--host", "127.0.0.1", "--port", String(port), "--without-connection-token", "--enable-smoke-test-driver"];
  const child = startEditor(home, [...serve, "--disable-telemetry", ...(trusted ? ["--disable-workspace-trust"] : [])], env);
  await answers(`http://127.0.0.1:${port}/`);
  return { port, folder, child, opened: `folder=${folder}` };
}

/** Run the suite in the extension host; the number of failures. */
async function suite(browser, { port, folder, child }) {
  const page = await browser.newPage();
  const remote = `vscode-remote://127.0.0.1:${port}`;
  let finish;
  const code = new Promise((resolve) => (finish = resolve));
  await page.exposeFunction("codeAutomationLog", () => undefined);
  await page.exposeFunction("codeAutomationExit", (value) => finish(value));
  const payload = [
    ["extensionDevelopmentPath", remote + extension],
    ["extensionTestsPath", `${remote}${extension}/dist/editor/suite`],
    ["skipWelcome", "true"],
  ];
  const timer = setTimeout(() => finish("no end within three minutes"), 180_000);
  await page.goto(`http://127.0.0.1:${port}/?folder=${folder}&payload=${encodeURIComponent(JSON.stringify(payload))}`);
  const value = await code;
  clearTimeout(timer);
  await page.close();
  child.kill();
  console.log(await readFile(results, "utf8").catch(() => `the suite did not end: ${value}`));
  return value === 0 ? 0 : 1;
}

/** Walk the journeys in one page, with another extension `besides`, if one is named; the number of failures. */
async function walk(browser, { port, opened, child }, steps, model, besides) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const payload = besides === undefined ? [] : [["extensionDevelopmentPath", `vscode-remote://127.0.0.1:${port}${besides}`]];
  await page.goto(`http://127.0.0.1:${port}/?${opened}&payload=${encodeURIComponent(JSON.stringify(payload))}`);
  await page.locator(".statusbar-item").first().waitFor({ timeout: 60_000 });
  const shot = (name) => page.screenshot({ path: join(out, `${name}.png`) });
  const asked = async () => (await fetch(new URL("/_requests", model))).json();
  let count = 0;
  for (const [name, journey] of Object.entries(steps)) {
    try {
      await journey(page, shot, asked);
      console.log(`ok - ${name}`);
    } catch (error) {
      count += 1;
      console.log(`not ok - ${name}\n  ${error.message.split("\n", 3).join("\n  ")}`);
      await shot(`failed-${name.replaceAll(/\W+/g, "-")}`);
      await page.keyboard.press("Escape");
    }
  }
  await page.close();
  child.kill(); // its extension host would wait for hours for the page to come back
  return count;
}

async function startModel(at = "0") {
  const args = ["-m", "tests.fakes.openai_server", "--port", at, "--script", join(here, "model.json")];
  const child = start(python, args, { cwd: root });
  const [port] = await once(createInterface({ input: child.stdout }), "line");
  return `http://127.0.0.1:${port}/v1`;
}

/** Put a real repository into a folder: ours, as it is committed. */
async function ourRepository(folder) {
  const archive = join(folder, "../repository.tar");
  await ended(start("git", ["-C", root, "archive", "--output", archive, "HEAD", "server", "indexer", "prompts", "docs"], {}));
  await ended(start("tar", ["-x", "-f", archive, "-C", folder], {}));
}

/** Put another folder beside one, and a workspace of both. */
async function secondFolder(folder) {
  const beside = join(folder, "../other");
  await mkdir(beside);
  await writeFile(join(beside, "bank.py"), "def withdraw(account, amount):\n    account.balance -= amount\n");
  await writeFile(join(folder, "../two.code-workspace"), JSON.stringify({ folders: [{ path: "folder" }, { path: "other" }] }));
}

/** Fill a folder with 5,000 files of Python that differ. */
async function manyFiles(folder) {
  for (let number = 0; number < 5_000; number += 1) {
    const package_ = join(folder, `package${number % 50}`);
    if (number < 50) {
      await mkdir(package_);
    }
    const functions = Array.from({ length: 12 }, (_, at) => `def step_${number}_${at}(value):\n    return value * ${number} + ${at}\n`);
    await writeFile(join(package_, `module${number}.py`), functions.join("\n\n"));
  }
}

/** The user's and the machine's settings; a remote editor reads those of scope "machine" from the latter. */
async function writeSettings(home, model, trusted, changed, changedUser) {
  const user = {
    "security.workspace.trust.enabled": !trusted,
    "security.workspace.trust.startupPrompt": "never",
    "workbench.startupEditor": "none",
    "telemetry.telemetryLevel": "off",
    "extensions.autoUpdate": false,
    "extensions.autoCheckUpdates": false,
    "window.commandCenter": false,
    "chat.commandCenter.enabled": false,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    ...changedUser,
  };
  const machine = {
    "kibitz.server.interpreter": python,
    "kibitz.endpoint.baseUrl": model,
    "kibitz.model.chat": "scripted-chat",
    "kibitz.model.completion": "qwen2.5-coder:1.5b-base",
    ...changed,
  };
  for (const [name, value] of [["User", user], ["Machine", machine]]) {
    await mkdir(join(home, "data", name), { recursive: true });
    await writeFile(join(home, "data", name, "settings.json"), JSON.stringify(value));
  }
}

function startEditor(home, args, env = {}) {
  const node = join(tools, "node_modules/node/bin/node");
  const main = join(tools, "node_modules/code-server/lib/vscode/out/server-main.js");
  const data = join(home, "data");
  const places = ["--server-data-dir", data, "--user-data-dir", data, "--extensions-dir", join(home, "extensions")];
  return start(node, [main, "--accept-server-license-terms", ...places, ...args], { cwd: home, env });
}

function start(command, args, options) {
  const ours = { KIBITZ_CACHE_DIR: join(work, "cache"), PYTHONPATH: join(root, ".dev"), EDITOR_TEST_RESULTS: results };
  const env = { ...process.env, ...ours, ...options.env };
  const child = spawn(command, args, { ...options, env, stdio: ["ignore", "pipe", "pipe"] });
  const log = process.env.EDITOR_TEST_LOG !== undefined;
  child.stdout.on("data", (data) => log && process.stdout.write(data));
  child.stderr.on("data", (data) => log && process.stderr.write(data));
  children.push(child);
  return child;
}

async function ended(child) {
  const code = child.exitCode ?? (await once(child, "exit"))[0];
  if (code !== 0) {
    throw new Error(`${child.spawnfile} ended with ${code}`);
  }
}

async function answers(url) {
  for (let round = 0; round < 120; round += 1) {
    if (await fetch(url).then((got) => got.ok, () => false)) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error("the editor did not start");
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

function needed(name) {
  const value = process.env[name];
  if (value === undefined || value === "") {
    throw new Error(`${name} is not set: see test/editor/README.md.`);
  }
  return value;
}
