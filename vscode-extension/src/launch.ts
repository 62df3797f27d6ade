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
}

const SERVE = ["serve", "--stdio"] as const;
const COMMAND = "kibitz.server.command";
const INTERPRETER = "kibitz.server.interpreter";

/**
 * The first of: the command setting, the interpreter setting, `kibitz` on the PATH.
 *
 * A setting that is wrong is reported, never passed over: the user meant that server. Only absolute
 * paths come out, because a relative one would be looked up in the opened folder, and a folder
 * somebody else wrote must not choose a program.
 */
export function findServer(settings: ServerSettings, machine: Machine): Found | Missing {
  const [program, ...args] = settings.command;
  if (program !== undefined) {
    return named(program, args, COMMAND, machine);
  }
  if (settings.interpreter !== "") {
    // -P keeps the working directory off Python's module path.
    return named(settings.interpreter, ["-P", "-m", "kibitz.server", ...SERVE], INTERPRETER, machine);
  }
  const command = onPath("kibitz", machine);
  if (command === undefined) {
    return {
      kind: "missing",
      reason: "The kibitz server was not found on the PATH: install it (pip install kibitz), or say which Python has it.",
      setting: INTERPRETER,
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
    return { kind: "missing", reason: `${program}, named by ${setting}, was not found on the PATH.`, setting };
  }
  if (!path.isAbsolute(command)) {
    return { kind: "missing", reason: `${program}, named by ${setting}, is not an absolute path.`, setting };
  }
  if (!machine.isExecutable(command)) {
    return { kind: "missing", reason: `${program}, named by ${setting}, is not a program that can be started.`, setting };
  }
  return { kind: "found", command, args, source: setting };
}

function onPath(name: string, machine: Machine): string | undefined {
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
