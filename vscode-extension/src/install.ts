// Makes the private environment of the server with the user's Python: beside its place first, so that a half of one never starts.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import {
  type Candidate,
  chosen,
  explained,
  InstallError,
  outdated,
  pipArguments,
  pipEnvironment,
  PROBE,
  probed,
  type Probed,
  pythonOf,
  pythonsOf,
  stepOf,
} from "./environment.js";

/** What is to be installed, and out of what. */
export interface Plan {
  /** The folder in which each environment has one of its own, named by its version. */
  readonly root: string;
  readonly version: string;
  readonly pythons: readonly Candidate[];
  readonly wheels: string | undefined;
  /** The editor's proxy, or "". */
  readonly proxy: string;
}

/** Where it tells what it does: whole lines for the log, and few words for the progress. */
export interface Told {
  line(text: string): void;
  step(text: string): void;
}

/** What a program has printed, and how it ended. */
interface Ended {
  readonly code: number;
  readonly printed: string;
}

/** The work was called off; nothing is left of it. */
export class Cancelled extends Error {}

/**
 * Build an environment in a folder beside its place.
 *
 * @returns that folder; {@link takePlace} puts it where it belongs.
 * @throws InstallError with a sentence for the user, or Cancelled; then the folder is gone again.
 */
export async function build(plan: Plan, told: Told, signal: AbortSignal): Promise<string> {
  const python = chosen(await probe(plan.pythons, signal), await fitting(plan.wheels));
  told.line(`Installing kibitz ${plan.version} with ${python.command} (Python ${python.version.join(".")})`);
  const folder = await newFolder(plan.root, told);
  try {
    told.step("making an environment");
    await succeed(python.command, [...python.args, "-I", "-m", "venv", "--without-pip", folder], process.env, plan, told, signal);
    const own = pythonOf(folder, process.platform);
    // By itself venv would keep to itself why this fails.
    await succeed(own, ["-I", "-m", "ensurepip", "--default-pip"], process.env, plan, told, signal);
    const env = pipEnvironment(process.env, plan.proxy, plan.wheels !== undefined, process.platform);
    await succeed(own, pipArguments(plan.version, plan.wheels), env, plan, told, signal);
    told.step("trying it out");
    await succeed(own, ["-I", "-m", "kibitz.server", "--version"], process.env, plan, told, signal);
    return folder;
  } catch (error) {
    await remove(folder);
    throw error;
  }
}

/** Put a built environment in its place; one that stands there is taken away, after its server was stopped. */
export async function takePlace(folder: string, root: string, version: string): Promise<void> {
  const place = join(root, version);
  const former = `${folder}-former`;
  await rename(place, former).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") {
      throw error;
    }
  });
  try {
    await rename(folder, place);
  } catch (error) {
    await rename(former, place).catch(() => undefined);
    throw error;
  }
  await remove(former);
}

/** Remove the environments of other versions, and what an editor that was ended has left half done. */
export async function tidy(root: string, version: string): Promise<string[]> {
  const now = Date.now();
  const found = await Promise.all(
    (await readdir(root).catch(() => [])).map(async (name) => ({ name, ageMs: now - (await stat(join(root, name))).mtimeMs })),
  );
  const names = outdated(found, version);
  await Promise.all(names.map((name) => remove(join(root, name))));
  return names;
}

/** Remove a folder; what Windows holds open goes the next time. */
export async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }).catch(() => undefined);
}

async function newFolder(root: string, told: Told): Promise<string> {
  try {
    await mkdir(root, { recursive: true });
    return await mkdtemp(join(root, "new-"));
  } catch (error) {
    told.line(String(error));
    throw new InstallError(explained(String(error), undefined));
  }
}

/** The Pythons that the wheels are for. */
async function fitting(wheels: string | undefined): Promise<string[] | undefined> {
  if (wheels === undefined) {
    return undefined;
  }
  const names = await readdir(wheels).catch(() => []);
  if (!names.some((name) => name.startsWith("kibitz-") && name.endsWith(".whl"))) {
    throw new InstallError(`The folder ${wheels} has no wheel of kibitz.`);
  }
  return pythonsOf(names);
}

async function probe(pythons: readonly Candidate[], signal: AbortSignal): Promise<Probed[]> {
  const found: Probed[] = [];
  for (const python of pythons) {
    const { printed } = await run(python.command, [...python.args, "-I", "-c", PROBE], process.env, () => undefined, signal);
    const said = probed(python, printed);
    if (said !== undefined) {
      found.push(said);
    }
  }
  return found;
}

async function succeed(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  plan: Plan,
  told: Told,
  signal: AbortSignal,
): Promise<void> {
  const heard = (line: string): void => {
    told.line(line);
    const step = stepOf(line);
    if (step !== undefined) {
      told.step(step);
    }
  };
  const { code, printed } = await run(command, args, env, heard, signal);
  if (code !== 0) {
    throw new InstallError(explained(printed, plan.wheels));
  }
}

/** Run a program to its end, away from the opened folder; when called off, it is ended with all that it has started. */
async function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  heard: (line: string) => void,
  signal: AbortSignal,
): Promise<Ended> {
  if (signal.aborted) {
    throw new Cancelled();
  }
  const windows = process.platform === "win32";
  const child = spawn(command, args, { cwd: homedir(), env, stdio: ["ignore", "pipe", "pipe"], detached: !windows, windowsHide: true });
  const end = (): void => {
    if (child.pid === undefined) {
      return;
    }
    if (windows) {
      spawn("taskkill", ["/T", "/F", "/PID", String(child.pid)], { stdio: "ignore", windowsHide: true });
    } else {
      try {
        process.kill(-child.pid, "SIGKILL"); // its whole group: pip starts others
      } catch {
        // it has ended by itself
      }
    }
  };
  signal.addEventListener("abort", end);
  const printed: string[] = [];
  const read = async (stream: Readable): Promise<void> => {
    for await (const line of createInterface({ input: stream })) {
      printed.push(line);
      heard(line);
    }
  };
  try {
    const code = new Promise<number>((resolve) => {
      child.once("error", (error) => {
        printed.push(error.message);
        resolve(-1);
      });
      child.once("close", (status) => resolve(status ?? -1));
    });
    await Promise.all([read(child.stdout), read(child.stderr)]);
    const ended = { code: await code, printed: printed.join("\n") };
    if (signal.aborted) {
      throw new Cancelled();
    }
    return ended;
  } finally {
    signal.removeEventListener("abort", end);
  }
}
