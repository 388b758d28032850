// What becomes of a command whose output nobody reads any more: a pipe was closed early, or a terminal is gone.

import type { EventEmitter } from "node:events";

/** A pipe without a reader (`| head`), and a terminal that was closed. */
const NOBODY_READS = new Set(["EPIPE", "EIO"]);

export class Readers {
  #goesOn = false;

  /** Hears of writes that failed; `end` is called when there is nothing left to do but to tell. */
  listen(stdout: EventEmitter, stderr: EventEmitter, end: () => void): void {
    stdout.on("error", (error: NodeJS.ErrnoException) => {
      if (this.#goesOn) return;
      if (!NOBODY_READS.has(error.code ?? "")) throw error;
      end();
    });
    // What it says there is about the work; the work goes on.
    stderr.on("error", () => undefined);
  }

  /** From now on the command has more to do than to tell, and does it whoever listens: processes to end, files to write. */
  goOn(): void {
    this.#goesOn = true;
  }
}

/** Of this process. */
export const readers = new Readers();
