// Makes folders where every way ends: Node's recursive mkdir never returns where a file system refuses new ones with "no such file" (/proc does).

import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/** Makes a folder and those above it that are not there yet, one by one. Throws what the file system says. */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder);
}
