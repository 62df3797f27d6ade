// The private environment of the server: where it lies, which Python makes it and what pip is told, decided from values.
import { posix, win32 } from "node:path";

import { type Machine, onPath } from "./launch.js";

/** An environment that the extension has made, and whether it is of the extension's own version. */
export interface Installed {
  readonly python: string;
  readonly version: string;
  readonly current: boolean;
}

/** A Python that may make the environment. */
export interface Candidate {
  readonly command: string;
  readonly args: readonly string[];
}

/** What a candidate says of itself. */
export interface Probed extends Candidate {
  readonly version: readonly [number, number];
  /** Whether it can put pip into an environment; Debian parts that off. */
  readonly pip: boolean;
}

/** Something that the user can put right: one sentence, which says how. */
export class InstallError extends Error {}

const OLDEST: readonly [number, number] = [3, 11];
const PYTHON = "kibitz.server.python";
const WHEELS = "kibitz.server.wheels";

/** Prints what {@link probed} reads. */
export const PROBE =
  "import importlib.util as u, sys; print('python', *sys.version_info[:2], int(all(map(u.find_spec, ('venv', 'ensurepip')))))";

export function pythonOf(environment: string, platform: NodeJS.Platform): string {
  return platform === "win32" ? win32.join(environment, "Scripts", "python.exe") : posix.join(environment, "bin", "python");
}

/** Of the folders in `root`, each named by its version: the extension's own, else the newest other one. */
export function findInstalled(root: string, folders: readonly string[], version: string, machine: Machine): Installed | undefined {
  const others = folders.filter((name) => isVersion(name) && name !== version);
  others.sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  for (const name of [version, ...others]) {
    const python = pythonOf(pathOf(machine).join(root, name), machine.platform);
    if (machine.isExecutable(python)) {
      return { python, version: name, current: name === version };
    }
  }
  return undefined;
}

/** What is left in the way once the server of this version runs; what another window may be building just now stays. */
export function outdated(folders: readonly { name: string; ageMs: number }[], version: string): string[] {
  return folders.filter(({ name, ageMs }) => (isVersion(name) ? name !== version : ageMs > 3_600_000)).map(({ name }) => name);
}

/** A folder's name is a version; what is being built, or taken away, has a name that is none. */
function isVersion(name: string): boolean {
  return /^\d+\.\d/.test(name);
}

/**
 * The Pythons to try, in order: only the one that the setting names, or those on the PATH.
 *
 * @param folders the opened ones; nothing below them is started, whoever put it on the PATH.
 */
export function candidates(setting: string, folders: readonly string[], machine: Machine): Candidate[] {
  if (setting !== "") {
    const command = expanded(setting, machine);
    if (!pathOf(machine).isAbsolute(command) || !machine.isExecutable(command)) {
      throw new InstallError(`${setting}, named by ${PYTHON}, is not the absolute path of a program.`);
    }
    if (below(command, folders, machine)) {
      throw new InstallError(`${setting}, named by ${PYTHON}, lies in the opened folder, of which nothing is started: name another.`);
    }
    return [{ command, args: [] }];
  }
  const launcher = machine.platform === "win32" ? [["py", "-3"] as const] : [];
  const names = [["python3.13"], ["python3.12"], ["python3.11"], ["python3"], ["python"], ...launcher] as const;
  const found: Candidate[] = [];
  for (const [name, ...args] of names) {
    const command = onPath(name, { ...machine, isExecutable: (file) => machine.isExecutable(file) && !below(file, folders, machine) });
    if (command !== undefined) {
      found.push({ command, args });
    }
  }
  return found;
}

/** What a candidate has printed; undefined where it is no Python (the Store's stand-in, a shim of a version that is not there). */
export function probed(candidate: Candidate, printed: string): Probed | undefined {
  const said = /^python (\d+) (\d+) ([01])\s*$/m.exec(printed);
  return said === null ? undefined : { ...candidate, version: [Number(said[1]), Number(said[2])], pip: said[3] === "1" };
}

/** The first that is new enough, fits the wheels and can make an environment. */
export function chosen(pythons: readonly Probed[], fits: readonly string[] | undefined): Probed {
  const newEnough = pythons.filter(({ version }) => version[0] === OLDEST[0] && version[1] >= OLDEST[1]);
  const [first] = pythons;
  if (first === undefined) {
    throw new InstallError(`No Python was found: install Python 3.11 or newer, or name one in ${PYTHON}.`);
  }
  if (newEnough.length === 0) {
    throw new InstallError(`Python ${first.version.join(".")} is too old: install Python 3.11 or newer, or name one in ${PYTHON}.`);
  }
  const fitting = newEnough.filter(({ version }) => fits === undefined || fits.includes(version.join(".")));
  const [one] = fitting;
  if (one === undefined) {
    throw new InstallError(`The wheels at hand are for Python ${fits?.join(", ")}: install that, or name one in ${PYTHON}.`);
  }
  const able = fitting.find(({ pip }) => pip);
  if (able === undefined) {
    const version = one.version.join(".");
    const way = `apt install python${version}-venv on Debian and Ubuntu`;
    throw new InstallError(`${one.command} (Python ${version}) cannot make environments: install its venv package (${way}), or name another in ${PYTHON}.`);
  }
  return able;
}

/** The folder of wheels to install from: the setting's, else the one that came with the extension. */
export function wheelFolder(setting: string, bundled: string | undefined, folders: readonly string[], machine: Machine): string | undefined {
  if (setting === "") {
    return bundled;
  }
  const folder = expanded(setting, machine);
  if (!pathOf(machine).isAbsolute(folder)) {
    throw new InstallError(`${setting}, named by ${WHEELS}, is not an absolute path.`);
  }
  if (below(folder, folders, machine)) {
    throw new InstallError(`${setting}, named by ${WHEELS}, lies in the opened folder, from which nothing is installed: name another.`);
  }
  return folder;
}

/** The Pythons ("3.11") that all wheels of a folder are for, by their names; undefined where any will do. */
export function pythonsOf(wheels: readonly string[]): string[] | undefined {
  const byPackage = new Map<string, Set<string>>();
  for (const wheel of wheels) {
    const [name, python] = /^([^-]+)-.+-cp3(\d+)-cp3\2-[^-]+\.whl$/.exec(wheel)?.slice(1) ?? [];
    if (name !== undefined) {
      byPackage.set(name, (byPackage.get(name) ?? new Set()).add(`3.${python}`));
    }
  }
  const [first, ...rest] = byPackage.values();
  return first && [...first].filter((python) => rest.every((pythons) => pythons.has(python))).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/** pip's arguments; -I keeps the user's own modules and the working directory out. */
export function pipArguments(version: string, wheels: string | undefined): string[] {
  const quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--no-color"];
  const from = wheels === undefined ? ["--prefer-binary", "--retries", "2"] : ["--no-index", "--find-links", wheels];
  return ["-I", "-m", "pip", "install", ...quiet, ...from, `kibitz==${version}`];
}

/** pip's environment: the editor's proxy; where it installs from a folder, none of the user's settings, which may name others. */
export function pipEnvironment(env: NodeJS.ProcessEnv, proxy: string, offline: boolean, platform: NodeJS.Platform): NodeJS.ProcessEnv {
  if (offline) {
    const kept = Object.entries(env).filter(([name]) => !/^pip_/i.test(name));
    return { ...Object.fromEntries(kept), PIP_CONFIG_FILE: platform === "win32" ? "nul" : "/dev/null" };
  }
  return proxy === "" ? env : { ...env, HTTP_PROXY: proxy, HTTPS_PROXY: proxy, http_proxy: proxy, https_proxy: proxy };
}

/** A line of pip that tells how far it is, in a few words. */
export function stepOf(line: string): string | undefined {
  const collecting = /^(?:Collecting|Processing) (?:\S*[/\\])?([\w.-]+?)(?=-\d|[^\w.-]|$)/.exec(line.trim());
  if (collecting !== null) {
    return `collecting ${collecting[1]}`;
  }
  return line.startsWith("Installing collected packages") ? "unpacking" : undefined;
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/No space left on device|not enough space on the disk|Errno 28|ENOSPC/i, "The disk is full: make room (about 700 MB are needed), then install again."],
  [/Permission denied|EACCES|EROFS|Read-only file system/i, "The editor's storage folder cannot be written to: see the output for its path."],
  [
    /CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError/i,
    "The package index has a certificate that Python does not trust: name your CA's file in the environment variable PIP_CERT.",
  ],
  [/ProxyError|Tunnel connection failed|407 Proxy/i, "The proxy cannot be used: check the editor's setting http.proxy."],
  [
    /NewConnectionError|ConnectTimeout|ReadTimeout|Read timed out|getaddrinfo failed|name resolution|Name or service not known|unreachable|Connection (?:refused|reset|to \S+ timed out)|ConnectionError/i,
    "The package index could not be reached: check the network and http.proxy, or name a folder of wheels in kibitz.server.wheels.",
  ],
];

/** Why pip, or the making of the environment, failed: one sentence. */
export function explained(printed: string, wheels: string | undefined): string {
  for (const [sign, reason] of REASONS) {
    if (sign.test(printed)) {
      return reason;
    }
  }
  const missing = /No matching distribution found for ([^\s(]+)/.exec(printed)?.[1];
  if (missing !== undefined) {
    return wheels === undefined
      ? `The package index has no ${missing} for this Python and machine: name a folder of wheels in ${WHEELS}.`
      : `The folder ${wheels} has no wheel of ${missing} for this Python and machine.`;
  }
  const last = printed.split(/\r?\n/).findLast((line) => /error/i.test(line));
  return `The server could not be installed: ${last?.trim().replace(/^ERROR:\s*/, "") ?? "see the output."}`;
}

function below(file: string, folders: readonly string[], machine: Machine): boolean {
  const path = pathOf(machine);
  // The folder's links are followed, not the file's own: an environment's python is a link that leads out of it.
  const places = [file, path.join(machine.realPath(path.dirname(file)), path.basename(file))];
  return folders.some((folder) =>
    [folder, machine.realPath(folder)].some((each) => places.some((place) => isWithin(path.relative(each, place), path))),
  );
}

function isWithin(relative: string, path: typeof posix): boolean {
  return relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

function expanded(name: string, machine: Machine): string {
  return /^~[/\\]/.test(name) ? pathOf(machine).join(machine.home, name.slice(2)) : name;
}

function pathOf(machine: Machine): typeof posix {
  return machine.platform === "win32" ? win32 : posix;
}
