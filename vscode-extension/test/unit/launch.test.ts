import assert from "node:assert/strict";
import { test } from "node:test";

import { findServer, type Machine } from "../../src/launch.js";

const NOTHING = { command: [], interpreter: "" };

function machine(programs: readonly string[], path = "/usr/local/bin:/usr/bin", platform: NodeJS.Platform = "linux"): Machine {
  return { platform, home: "/home/ada", path, isExecutable: (file) => programs.includes(file), realPath: (file) => file };
}

function commandLine(found: ReturnType<typeof findServer>): string {
  assert.equal(found.kind, "found", found.kind === "missing" ? found.reason : "");
  return found.kind === "found" ? [found.command, ...found.args].join(" ") : "";
}

test("with no setting the kibitz on the PATH is started", () => {
  const found = findServer(NOTHING, machine(["/usr/bin/kibitz"]));
  assert.equal(commandLine(found), "/usr/bin/kibitz serve --stdio");
});

test("the first folder of the PATH that has it wins", () => {
  const found = findServer(NOTHING, machine(["/usr/bin/kibitz", "/usr/local/bin/kibitz"]));
  assert.equal(commandLine(found), "/usr/local/bin/kibitz serve --stdio");
});

test("an interpreter is started with its working directory off the module path", () => {
  const found = findServer({ command: [], interpreter: "/venv/bin/python" }, machine(["/venv/bin/python"]));
  assert.equal(commandLine(found), "/venv/bin/python -P -m kibitz.server serve --stdio");
});

test("the command goes before the interpreter, word for word", () => {
  const settings = { command: ["/opt/run", "--flag", "a b"], interpreter: "/venv/bin/python" };
  const found = findServer(settings, machine(["/opt/run", "/venv/bin/python"]));
  assert.deepEqual(found, { kind: "found", command: "/opt/run", args: ["--flag", "a b"], source: "kibitz.server.command" });
});

test("a tilde is the home folder", () => {
  const found = findServer({ command: [], interpreter: "~/venv/bin/python" }, machine(["/home/ada/venv/bin/python"]));
  assert.match(commandLine(found), /^\/home\/ada\/venv\/bin\/python /);
});

test("a bare word is looked up on the PATH", () => {
  const found = findServer({ command: ["python3", "-V"], interpreter: "" }, machine(["/usr/bin/python3"]));
  assert.equal(commandLine(found), "/usr/bin/python3 -V");
});

test("a setting that names nothing is reported with its name, not passed over", () => {
  const found = findServer({ command: [], interpreter: "/gone/python" }, machine(["/usr/bin/kibitz"]));
  assert.deepEqual(found, {
    kind: "missing",
    reason: "/gone/python, named by kibitz.server.interpreter, is not a program that can be started.",
    setting: "kibitz.server.interpreter",
    installable: false,
  });
});

test("a relative path is refused, because the opened folder would decide what it is", () => {
  const found = findServer({ command: ["./kibitz"], interpreter: "" }, machine(["./kibitz"]));
  assert.equal(found.kind, "missing");
});

test("relative folders of the PATH are skipped", () => {
  assert.equal(findServer(NOTHING, machine(["kibitz", "./kibitz", "bin/kibitz"], ".:bin::")).kind, "missing");
});

test("when nothing is found the server can be installed", () => {
  const found = findServer(NOTHING, machine([]));
  assert.deepEqual(found, {
    kind: "missing",
    reason: "Kibitz has no server yet: install it now, or say which Python has it.",
    setting: "kibitz.server.interpreter",
    installable: true,
  });
});

test("the server that the extension has installed goes before the PATH's, and shuts the user's modules out", () => {
  const found = findServer(NOTHING, machine(["/usr/bin/kibitz"]), "/storage/server/1.0.0/bin/python");
  assert.equal(commandLine(found), "/storage/server/1.0.0/bin/python -I -m kibitz.server serve --stdio");
});

test("a setting goes before the server that the extension has installed", () => {
  const found = findServer({ command: ["/opt/run"], interpreter: "" }, machine(["/opt/run"]), "/storage/server/1.0.0/bin/python");
  assert.equal(commandLine(found), "/opt/run");
});

test("on Windows it is kibitz.exe, and the PATH is parted by semicolons", () => {
  const windows = machine(["C:\\Python\\Scripts\\kibitz.exe"], "C:\\Windows;C:\\Python\\Scripts", "win32");
  assert.equal(commandLine(findServer(NOTHING, windows)), "C:\\Python\\Scripts\\kibitz.exe serve --stdio");
});
