// Which process is the server: decided from values, so that it can be tested without an editor.
import { posix, win32 } from "node:path";

/** What the user said about the server. */
export interface ServerSettings {
  readonly command: readonly string[];
  readonly interpreter: string;
}

/** What has to be known of the machine. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly path: string;
  isExecutable(file: string): boolean;
  /** With all links followed; what does not exist stays as it is. */
  realPath(file: string): string;
}

export interface Found {
  readonly kind: "found";
  readonly command: string;
  readonly args: readonly string[];
  /** Where the command came from, in words for the log. */
  readonly source: string;
}

export interface Missing {
  readonly kind: "missing";
  /** One sentence for the user. */
  readonly reason: string;
  /** The setting that puts it right. */
  readonly setting: string;
  /** Whether a server can be installed instead: no setting says which it should be. */
  readonly installable: boolean;
}

const SERVE = ["serve", "--stdio"] as const;
const COMMAND = "kibitz.server.command";
const INTERPRETER = "kibitz.server.interpreter";
/** The source of a server that the extension has installed itself. */
export const PRIVATE = "the extension's own environment";

/**
 * The first of: the command setting, the interpreter setting, the environment that the extension has made, `kibitz` on the PATH.
 *
 * A setting that is wrong is reported, never passed over: the user meant that server. Only absolute
 * paths come out, because a relative one would be looked up in the opened folder, and a folder
 * somebody else wrote must not choose a program.
 */
export function findServer(settings: ServerSettings, machine: Machine, privatePython?: string): Found | Missing {
  const [program, ...args] = settings.command;
  if (program !== undefined) {
    return named(program, args, COMMAND, machine);
  }
  if (settings.interpreter !== "") {
    // -P keeps the working directory off Python's module path.
    return named(settings.interpreter, ["-P", "-m", "kibitz.server", ...SERVE], INTERPRETER, machine);
  }
  if (privatePython !== undefined) {
    // -I: it has what it needs, and nothing of the user's own modules comes in between.
    return { kind: "found", command: privatePython, args: ["-I", "-m", "kibitz.server", ...SERVE], source: PRIVATE };
  }
  const command = onPath("kibitz", machine);
  if (command === undefined) {
    return {
      kind: "missing",
      reason: "Kibitz has no server yet: install it now, or say which Python has it.",
      setting: INTERPRETER,
      installable: true,
    };
  }
  return { kind: "found", command, args: SERVE, source: "PATH" };
}

function named(program: string, args: readonly string[], setting: string, machine: Machine): Found | Missing {
  const path = machine.platform === "win32" ? win32 : posix;
  const expanded = /^~[/\\]/.test(program) ? path.join(machine.home, program.slice(2)) : program;
  const bare = !expanded.includes("/") && !expanded.includes("\\");
  const command = bare ? onPath(expanded, machine) : expanded;
  if (command === undefined) {
    return wrong(setting, `${program}, named by ${setting}, was not found on the PATH.`);
  }
  if (!path.isAbsolute(command)) {
    return wrong(setting, `${program}, named by ${setting}, is not an absolute path.`);
  }
  if (!machine.isExecutable(command)) {
    return wrong(setting, `${program}, named by ${setting}, is not a program that can be started.`);
  }
  return { kind: "found", command, args, source: setting };
}

function wrong(setting: string, reason: string): Missing {
  return { kind: "missing", reason, setting, installable: false };
}

/** The first program of that name in an absolute folder of the PATH. */
export function onPath(name: string, machine: Machine): string | undefined {
  const windows = machine.platform === "win32";
  const path = windows ? win32 : posix;
  const names = windows && path.extname(name) === "" ? [`${name}.exe`] : [name];
  for (const folder of machine.path.split(path.delimiter)) {
    if (!path.isAbsolute(folder)) {
      continue;
    }
    const found = names.map((file) => path.join(folder, file)).find((file) => machine.isExecutable(file));
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}
