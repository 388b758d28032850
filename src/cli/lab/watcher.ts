// Waits for changes of the files that a suite was made of.

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
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  add(files: readonly string[]): void {
    this.#watcher.add([...files]);
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
