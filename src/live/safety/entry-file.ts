// Finds the built file of a program that a game day runs as a process of its own.

import { fileURLToPath } from "node:url";

/**
 * The path of `file` beside the module that asks. A child runs under plain node, so a module that was loaded from its
 * TypeScript source (by the tests) gets the file from the build.
 */
export function entryFile(importMetaUrl: string, file: string): string {
  const beside = fileURLToPath(new URL(file, importMetaUrl));
  if (!importMetaUrl.endsWith(".ts")) return beside;
  const at = beside.lastIndexOf("/src/");
  return `${beside.slice(0, at)}/dist/${beside.slice(at + "/src/".length)}`;
}
