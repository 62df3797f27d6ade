import assert from "node:assert/strict";
import { test } from "node:test";

import {
  candidates,
  chosen,
  explained,
  findInstalled,
  outdated,
  pipArguments,
  pipEnvironment,
  probed,
  type Probed,
  pythonsOf,
  stepOf,
  wheelFolder,
} from "../../src/environment.js";
import type { Machine } from "../../src/launch.js";

const ROOT = "/storage/server";

function machine(
  programs: readonly string[],
  { path = "/usr/local/bin:/usr/bin", platform = "linux" as NodeJS.Platform, links = {} as Record<string, string> } = {},
): Machine {
  return { platform, home: "/home/ada", path, isExecutable: (file) => programs.includes(file), realPath: (file) => links[file] ?? file };
}

function python(version: [number, number], pip = true, command = `/usr/bin/python${version.join(".")}`): Probed {
  return { command, args: [], version, pip };
}

const commands = (setting: string, folders: string[], on: Machine): string[] =>
  candidates(setting, folders, on).map(({ command, args }) => [command, ...args].join(" "));

test("Pythons are tried by their names, newest first, each as the PATH has it", () => {
  const on = machine(["/usr/bin/python3", "/usr/local/bin/python3.12", "/usr/bin/python3.12", "/usr/bin/python3.11"]);
  assert.deepEqual(commands("", [], on), ["/usr/local/bin/python3.12", "/usr/bin/python3.11", "/usr/bin/python3"]);
});

test("Windows' own launcher is tried last", () => {
  const on = machine(["C:\\Python\\python.exe", "C:\\Windows\\py.exe"], { path: "C:\\Python;C:\\Windows", platform: "win32" });
  assert.deepEqual(commands("", [], on), ["C:\\Python\\python.exe", "C:\\Windows\\py.exe -3"]);
});

test("a Python of the opened folder is passed over, though it stands first on the PATH", () => {
  const on = machine(["/ws/.venv/bin/python3", "/usr/bin/python3"], { path: "/ws/.venv/bin:.:/usr/bin" });
  assert.deepEqual(commands("", ["/ws"], on), ["/usr/bin/python3"]);
});

test("no link leads into the opened folder", () => {
  const links = { "/home/ada/bin": "/data/ws/bin", "/ws": "/data/ws" };
  const on = machine(["/home/ada/bin/python3"], { path: "/home/ada/bin", links });
  assert.deepEqual(commands("", ["/ws"], on), []);
  assert.deepEqual(commands("", ["/else"], on), ["/home/ada/bin/python3"]);
});

test("a folder whose name only begins alike is another", () => {
  assert.deepEqual(commands("", ["/ws"], machine(["/ws2/python3"], { path: "/ws2" })), ["/ws2/python3"]);
});

test("the setting's Python is the only one", () => {
  const on = machine(["/opt/python", "/usr/bin/python3"]);
  assert.deepEqual(commands("/opt/python", [], on), ["/opt/python"]);
});

test("a setting that names no program, no absolute path or one of the opened folder is reported", () => {
  const on = machine(["python3", "/ws/python"]);
  assert.throws(() => candidates("/gone/python", [], on), /\/gone\/python, named by kibitz\.server\.python, is not/);
  assert.throws(() => candidates("python3", [], on), /absolute path/);
  assert.throws(() => candidates("/ws/python", ["/ws"], on), /lies in the opened folder/);
});

test("what a Python says of itself is read, whatever stands around it", () => {
  const candidate = { command: "/usr/bin/python3", args: [] };
  assert.deepEqual(probed(candidate, "a warning\npython 3 12 1\n"), { ...candidate, version: [3, 12], pip: true });
  assert.equal(probed(candidate, "pyenv: python3.13: command not found"), undefined);
});

test("the first Python that is new enough and has pip is chosen", () => {
  assert.equal(chosen([python([3, 9]), python([3, 12], false), python([3, 11])], undefined).command, "/usr/bin/python3.11");
});

test("the wheels decide which Python fits", () => {
  assert.equal(chosen([python([3, 13]), python([3, 11])], ["3.11"]).command, "/usr/bin/python3.11");
  assert.throws(() => chosen([python([3, 13])], ["3.11", "3.12"]), /^Error: The wheels at hand are for Python 3\.11, 3\.12: install that/);
});

test("where no Python will do, one sentence says why", () => {
  assert.throws(() => chosen([], undefined), /^Error: No Python was found: install Python 3\.11 or newer/);
  assert.throws(() => chosen([python([3, 9])], undefined), /^Error: Python 3\.9 is too old/);
  assert.throws(() => chosen([python([3, 11], false)], undefined), /apt install python3\.11-venv/);
});

test("pip is told one version, and to read nothing of the working directory", () => {
  const line = pipArguments("1.2.3", undefined).join(" ");
  assert.match(line, /^-I -m pip install .*kibitz==1\.2\.3$/);
  assert.doesNotMatch(line, /--no-index/);
});

test("from a folder of wheels pip asks no index, whatever the user's settings name", () => {
  assert.match(pipArguments("1.2.3", "/wheels").join(" "), /--no-index --find-links \/wheels kibitz==1\.2\.3$/);
  const env = pipEnvironment({ PATH: "/bin", PIP_FIND_LINKS: "https://else", pip_index_url: "x" }, "http://proxy", true, "linux");
  assert.deepEqual(env, { PATH: "/bin", PIP_CONFIG_FILE: "/dev/null" });
});

test("the editor's proxy goes to pip; without one pip keeps the user's", () => {
  assert.equal(pipEnvironment({ HTTPS_PROXY: "http://old" }, "http://proxy:3128", false, "linux")["HTTPS_PROXY"], "http://proxy:3128");
  assert.equal(pipEnvironment({ HTTPS_PROXY: "http://old" }, "", false, "linux")["HTTPS_PROXY"], "http://old");
});

test("wheels come from the setting, then with the extension, and never from the opened folder", () => {
  const on = machine([]);
  assert.equal(wheelFolder("", undefined, [], on), undefined);
  assert.equal(wheelFolder("", "/ext/wheels", [], on), "/ext/wheels");
  assert.equal(wheelFolder("~/wheels", "/ext/wheels", [], on), "/home/ada/wheels");
  assert.throws(() => wheelFolder("wheels", undefined, [], on), /not an absolute path/);
  assert.throws(() => wheelFolder("/ws/wheels", undefined, ["/ws"], on), /lies in the opened folder/);
});

test("wheels that every Python of 3 can use say nothing of it; the others must all agree", () => {
  assert.equal(pythonsOf(["kibitz-1.0-py3-none-any.whl", "lancedb-1-cp310-abi3-linux.whl"]), undefined);
  const names = ["numpy-2-cp311-cp311-linux.whl", "numpy-2-cp312-cp312-linux.whl", "pyarrow-1-1-cp312-cp312-linux.whl", "README"];
  assert.deepEqual(pythonsOf(names), ["3.12"]);
});

test("the environment of the extension's version goes before a newer one, that before an older one", () => {
  const both = machine(["1.10.0", "1.9.0", "1.2.0"].map((version) => `${ROOT}/${version}/bin/python`));
  const folders = ["1.9.0", "1.10.0", "1.2.0", "new-Ab3x"];
  assert.deepEqual(findInstalled(ROOT, folders, "1.2.0", both), { python: `${ROOT}/1.2.0/bin/python`, version: "1.2.0", current: true });
  assert.equal(findInstalled(ROOT, folders, "2.0.0", both)?.version, "1.10.0");
  assert.equal(findInstalled(ROOT, folders, "2.0.0", both)?.current, false);
});

test("an environment whose Python is gone is none", () => {
  assert.equal(findInstalled(ROOT, ["1.0.0"], "1.0.0", machine([])), undefined);
});

test("on Windows the environment's Python is Scripts\\python.exe", () => {
  const on = machine(["C:\\s\\1.0.0\\Scripts\\python.exe"], { platform: "win32" });
  assert.equal(findInstalled("C:\\s", ["1.0.0"], "1.0.0", on)?.python, "C:\\s\\1.0.0\\Scripts\\python.exe");
});

test("other versions go, and what was left half done long ago; what is being built stays", () => {
  const folders = [
    { name: "1.0.0", ageMs: 1 },
    { name: "2.0.0", ageMs: 1 },
    { name: "new-old", ageMs: 7_200_000 },
    { name: "new-now", ageMs: 1_000 },
  ];
  assert.deepEqual(outdated(folders, "2.0.0"), ["1.0.0", "new-old"]);
});

for (const [printed, sentence] of [
  ["OSError: [Errno 28] No space left on device", /^The disk is full: make room/],
  ["ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/storage'", /cannot be written to/],
  ["WARNING: Retrying … NewConnectionError(…)\nERROR: No matching distribution found for kibitz==1.0", /^The package index could not be reached/],
  ["Could not fetch URL …: SSLError(SSLCertVerificationError(1, …", /PIP_CERT/],
  ["ProxyError('Cannot connect to proxy.', …", /http\.proxy/],
  ["ERROR: No matching distribution found for kibitz==1.0 (from versions: none)", /^The package index has no kibitz==1\.0 for this Python/],
  ["Building wheel\nERROR: Failed building wheel for x\n", /^The server could not be installed: Failed building wheel for x$/],
  ["", /see the output/],
] as const) {
  test(`pip's "${printed.slice(0, 40)}" becomes one sentence`, () => assert.match(explained(printed, undefined), sentence));
}

test("a wheel that the folder lacks is named", () => {
  const printed = "ERROR: No matching distribution found for numpy>=1.26";
  assert.equal(explained(printed, "/wheels"), "The folder /wheels has no wheel of numpy>=1.26 for this Python and machine.");
});

test("the progress names the package that is being fetched", () => {
  assert.equal(stepOf("Collecting tree-sitter-c>=1 (from kibitz)"), "collecting tree-sitter-c");
  assert.equal(stepOf("Processing /wheels/numpy-2.4.6-cp311-cp311-linux.whl (from kibitz)"), "collecting numpy");
  assert.equal(stepOf("Installing collected packages: a, b"), "unpacking");
  assert.equal(stepOf("  Using cached x"), undefined);
});
