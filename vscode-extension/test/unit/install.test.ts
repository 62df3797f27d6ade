// With a real process in the part of Python, so that what is left on the disk is what would be left of a real one.
import assert from "node:assert/strict";
import { access, chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { InstallError } from "../../src/environment.js";
import { build, Cancelled, type Plan, takePlace, tidy } from "../../src/install.js";

const POSIX = { skip: process.platform === "win32" ? "the script is sh" : false };
const QUIET = { line: () => undefined, step: () => undefined };
let home: string;

before(async () => {
  home = await mkdtemp(join(tmpdir(), "kibitz-install-"));
});
after(() => rm(home, { recursive: true, force: true }));

/** A script that makes an "environment" out of itself, and does this as pip; by -c it tells a version. */
async function plan(name: string, pip: string, wheels?: string): Promise<Plan> {
  const folder = join(home, name);
  const python = join(folder, "python3");
  await mkdir(folder);
  const script = `#!/bin/sh
case "$*" in
  *" -c "*) echo python 3 12 1 ;;
  *"-m venv "*) mkdir -p "$5/bin" && cp "$0" "$5/bin/python" ;;
  *"-m pip "*) ${pip} ;;
  *) echo kibitz 1.0.0 ;;
esac
`;
  await writeFile(python, script);
  await chmod(python, 0o755);
  return { root: join(folder, "server"), version: "1.0.0", pythons: [{ command: python, args: [] }], wheels, proxy: "" };
}

test("a built environment takes its place, and a former one's", POSIX, async () => {
  const one = await plan("one", "echo Collecting numpy");
  const steps: string[] = [];
  const told = { line: () => undefined, step: (text: string) => void steps.push(text) };
  await takePlace(await build(one, told, new AbortController().signal), one.root, one.version);
  await writeFile(join(one.root, "1.0.0", "former"), "");
  await takePlace(await build(one, QUIET, new AbortController().signal), one.root, one.version);
  assert.deepEqual(await readdir(one.root), ["1.0.0"]);
  assert.deepEqual(await readdir(join(one.root, "1.0.0")), ["bin"]);
  assert.deepEqual(steps, ["making an environment", "collecting numpy", "trying it out"]);
});

test("cancelled in the middle nothing is left, and no process goes on", { ...POSIX, timeout: 30_000 }, async () => {
  // What pip has started holds its output open: that is waited for, so the end of the wait is the end of them all.
  const two = await plan("two", "sleep 600 & echo started; wait");
  const abort = new AbortController();
  const told = { ...QUIET, line: (text: string) => text === "started" && abort.abort() };
  await assert.rejects(build(two, told, abort.signal), Cancelled);
  assert.deepEqual(await readdir(two.root), []);
});

test("where pip fails nothing is left but the sentence", POSIX, async () => {
  const three = await plan("three", "echo 'OSError: [Errno 28] No space left on device' >&2; exit 1");
  await assert.rejects(build(three, QUIET, new AbortController().signal), (error) => {
    assert(error instanceof InstallError);
    return error.message.startsWith("The disk is full");
  });
  assert.deepEqual(await readdir(three.root), []);
});

test("a folder without a wheel of kibitz is named before anything is made", POSIX, async () => {
  const wheels = join(home, "wheels");
  await mkdir(wheels);
  const four = await plan("four", "true", wheels);
  await assert.rejects(build(four, QUIET, new AbortController().signal), /has no wheel of kibitz/);
  await assert.rejects(access(four.root));
});

test("once the new one runs, the others go", async () => {
  const root = join(home, "tidy");
  for (const name of ["1.0.0", "2.0.0", "new-Ab3x"]) {
    await mkdir(join(root, name), { recursive: true });
  }
  assert.deepEqual(await tidy(root, "2.0.0"), ["1.0.0"]);
  assert.deepEqual((await readdir(root)).sort(), ["2.0.0", "new-Ab3x"]);
});
