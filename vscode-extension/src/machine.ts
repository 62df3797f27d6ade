// What has to be known of the machine, read from it.
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";

import type { Machine } from "./launch.js";

export function thisMachine(): Machine {
  return {
    platform: process.platform,
    home: homedir(),
    path: process.env["PATH"] ?? process.env["Path"] ?? "",
    isExecutable(file) {
      try {
        accessSync(file, constants.X_OK);
        return statSync(file).isFile();
      } catch {
        return false;
      }
    },
    realPath(file) {
      try {
        return realpathSync(file);
      } catch {
        return file;
      }
    },
  };
}
