// Why a game day ends before its time; the first reason stands.

export type EarlyEnd =
  /** Somebody asked for it: Ctrl-C, `gameday stop`, or the watchdog. */
  | { readonly kind: "asked"; readonly why: string }
  /** A condition of the scenario, or a system that was not steady. */
  | { readonly kind: "aborted"; readonly why: string }
  /** A process, the journal or the watchdog is gone; it could not be started as planned. */
  | { readonly kind: "lost"; readonly why: string }
  /** Our own fault. */
  | { readonly kind: "error"; readonly why: string; readonly error: unknown };

export class Ending {
  /** Resolves at the first reason to end early. */
  readonly early: Promise<EarlyEnd>;
  #end: EarlyEnd | null = null;
  #resolve: (end: EarlyEnd) => void = () => undefined;

  constructor() {
    this.early = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** The reason; null while there is none. */
  get end(): EarlyEnd | null {
    return this.#end;
  }

  because(end: EarlyEnd): void {
    this.#end ??= end;
    this.#resolve(this.#end);
  }

  /** What `work` gives, or null when the game day ends first. A failure of the work is a reason to end. */
  async orEnd<T>(work: Promise<T>): Promise<T | null> {
    const ended = this.early.then(() => null);
    try {
      return await Promise.race([work, ended]);
    } catch (error) {
      this.because({ kind: "lost", why: error instanceof Error ? error.message : String(error) });
      return null;
    }
  }
}
