// Opens a report in the reader's browser: the file itself, from disk, so that nothing goes over a network.

import { resolve } from "node:path";
import { messageOf } from "./exit.js";
import type { Terminal } from "./terminal.js";

/** Hands the file to the desktop; where that fails, says so and where the report is. */
export async function openReport(path: string, terminal: Terminal): Promise<void> {
  const file = resolve(path);
  try {
    const { default: open } = await import("open");
    const opener = await open(file);
    opener.once("error", (error) => terminal.warn(cannot(file, error)));
  } catch (error) {
    terminal.warn(cannot(file, error));
  }
}

const cannot = (file: string, error: unknown): string => `no browser could be started (${messageOf(error)}); the report is ${file}`;
