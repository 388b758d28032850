// Waits for changes of the files that a suite was made of.

import { statSync } from "node:fs";
import { watch, type FSWatcher } from "chokidar";

/** An editor writes a file in several steps; changes that come this close together are one. */
const SETTLE_MILLIS = 100;

export class Watcher {
  readonly #watcher: FSWatcher;
  readonly #signal: AbortSignal;
  #dirty = false;
  #wake: () => void = () => undefined;

  /** Watches the targets that are files or folders; what those refer to is added when it is known. */
  constructor(targets: readonly string[], signal: AbortSignal) {
    this.#signal = signal;
    this.#watcher = watch(targets.filter((target) => !/[*?[{]/.test(target)), { ignoreInitial: true, ignored: (path) => /node_modules|[\\/]\.git([\\/]|$)|shakedown-out/.test(path) });
    this.#watcher.on("all", () => {
      this.#dirty = true;
      this.#wake();
    });
    // What can't be watched is read again with the next change of something else.
    this.#watcher.on("error", () => undefined);
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Watches these files too; one that is not there yet counts when it appears. A folder that stands for a file would be watched whole, and is left out. */
  add(files: readonly string[]): void {
    this.#watcher.add(files.filter((file) => !file.includes("\0") && !isFolder(file)));
  }

  /** Resolves once something changed since the last call, or when it was interrupted. */
  async changed(): Promise<void> {
    while (!this.#dirty && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (!this.#signal.aborted) await new Promise((resolve) => setTimeout(resolve, SETTLE_MILLIS));
    this.#dirty = false;
  }

  async close(): Promise<void> {
    await this.#watcher.close();
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
