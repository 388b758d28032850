// The replica's own view of its flag: read from the flag service at the start, then followed with a delay.

import type { FlagdCore } from "@openfeature/flagd-core";
import type { Micros } from "../../../kernel/units.js";
import { request } from "undici";

/** After a failure it asks again this much later; the service itself answers when something changed. */
const RETRY_MILLIS = 200;
/** A question to the flag service takes at most this long; it answers unchanged flags earlier. */
const PATIENCE_MILLIS = 20_000;
/** Longest wait for the first answer before the replica starts without: then the flag is off. */
const FIRST_MILLIS = 1_000;

export class FlagView {
  #core: FlagdCore | null = null;
  #stopped = false;
  #change = 0;
  /** Changes believed so far. */
  #believed = 0;
  #on = false;

  constructor(readonly port: number, readonly flag: string, readonly delay: Micros, readonly changed: (on: boolean) => void) {}

  get on(): boolean {
    return this.#on;
  }

  /** Reads the flag now, then follows it. */
  async start(): Promise<void> {
    // Only a replica with a flag pays for loading the evaluation.
    const { FlagdCore } = await import("@openfeature/flagd-core");
    this.#core = new FlagdCore();
    try {
      const text = await this.#read(FIRST_MILLIS, null);
      this.#believe(text.body, text.change);
    } catch {
      // Down: whoever asks for a flag gets its default, off.
    }
    void this.#follow();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #follow(): Promise<void> {
    while (!this.#stopped) {
      try {
        const { body, change } = await this.#read(PATIENCE_MILLIS, this.#change);
        if (change === this.#change) continue;
        this.#change = change;
        setTimeout(() => this.#believe(body, change), this.delay / 1000);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MILLIS));
      }
    }
  }

  /** The configuration, at once or as soon as it is newer than `after`. */
  async #read(millis: number, after: number | null): Promise<{ body: string; change: number }> {
    const url = `http://127.0.0.1:${this.port}/flags.json${after === null ? "" : `?after=${after}`}`;
    const { statusCode, headers, body } = await request(url, { headersTimeout: millis, bodyTimeout: millis });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`the flag service answered ${statusCode}`);
    return { body: text, change: Number(headers["x-shakedown-change"]) };
  }

  /** A change that comes after a newer one was believed is old. */
  #believe(configuration: string, change: number): void {
    if (this.#stopped || this.#core === null || change < this.#believed) return;
    this.#believed = change;
    this.#change = Math.max(this.#change, change);
    this.#core.setConfigurations(configuration);
    const on = this.#core.resolveBooleanEvaluation(this.flag, false, {}).value;
    if (on === this.#on) return;
    this.#on = on;
    this.changed(on);
  }
}
