// Where a command prints: standard output for results, standard error for everything else.

import picocolors from "picocolors";

export interface Terminal {
  readonly color: boolean;
  readonly width: number;
  /** True when somebody watches standard error. */
  readonly live: boolean;
  print(text: string): void;
  warn(text: string): void;
  /** Overwrites the current line of a watched terminal. */
  status(text: string): void;
}

const DEFAULT_WIDTH = 100;

/** The process's own terminal. Colour follows NO_COLOR, FORCE_COLOR and whether the output is a terminal. */
export function processTerminal(): Terminal {
  const live = process.stderr.isTTY === true;
  return {
    color: picocolors.isColorSupported && (process.stdout.isTTY === true || process.env["FORCE_COLOR"] !== undefined),
    // A terminal that does not know its width says 0.
    width: process.stdout.columns > 0 ? process.stdout.columns : DEFAULT_WIDTH,
    live,
    print: (text) => void process.stdout.write(`${text}\n`),
    warn: (text) => void process.stderr.write(`${text}\n`),
    status: (text) => {
      if (live) process.stderr.write(`\r\u001b[K${text}`);
    },
  };
}
