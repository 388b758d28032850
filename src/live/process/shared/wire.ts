// The calling end of a connection: kept-alive requests without a body, and an answer's status and our own headers.

import { Pool } from "undici";
import { Header } from "../protocol.js";

/** Nobody waits longer than this for an answer that the caller gave up on: then its connection is closed. */
const LONGEST_WAIT_MILLIS = 60_000;
const KEEP_ALIVE_MILLIS = 120_000;

/** An answer; status 0 when there was none (refused, reset, or silent for too long). */
export class Answer {
  constructor(readonly status: number, readonly raw: readonly Buffer[]) {}

  get failed(): boolean {
    return this.status < 200 || this.status >= 400;
  }

  /** The value of one of our headers. */
  header(name: string): string | undefined {
    const { raw } = this;
    for (let i = 0; i + 1 < raw.length; i += 2) {
      if (raw[i].length === name.length && raw[i].toString("latin1").toLowerCase() === name) return raw[i + 1].toString("latin1");
    }
    return undefined;
  }
}

const NO_ANSWER = new Answer(0, []);

/** Connections to one loopback port. */
export class Wire {
  readonly #pool: Pool;

  constructor(port: number, connections: number) {
    this.#pool = new Pool(`http://127.0.0.1:${port}`, {
      connections, pipelining: 1, keepAliveTimeout: KEEP_ALIVE_MILLIS, keepAliveMaxTimeout: KEEP_ALIVE_MILLIS,
      headersTimeout: LONGEST_WAIT_MILLIS, bodyTimeout: LONGEST_WAIT_MILLIS, connect: { timeout: 5_000 },
    });
  }

  /** Asks for `path`; `done` hears exactly once, after `early` heard of each 1xx answer. */
  ask(path: string, headers: readonly string[], done: (answer: Answer) => void, early: ((hint: Answer) => void) | null = null): void {
    this.#pool.dispatch({ path, method: "GET", headers: headers as string[] }, new AskHandler(done, early));
  }

  /** Requests under way come to an end first. */
  close(): void {
    this.#pool.close().catch(() => undefined);
  }

  destroy(): void {
    this.#pool.destroy().catch(() => undefined);
  }
}

/** Keeps the raw headers, which is cheaper than an object of all of them. */
class AskHandler {
  #status = 0;
  #raw: readonly Buffer[] = [];
  #done: ((answer: Answer) => void) | null;

  constructor(done: (answer: Answer) => void, readonly early: ((hint: Answer) => void) | null) {
    this.#done = done;
  }

  onConnect(): void {
    this.#status = 0;
  }

  onHeaders(status: number, raw: Buffer[]): boolean {
    if (status < 200) {
      this.early?.(new Answer(status, raw));
      return true;
    }
    this.#status = status;
    this.#raw = raw;
    return true;
  }

  onData(): boolean {
    return true;
  }

  onComplete(): void {
    this.#end(new Answer(this.#status, this.#raw));
  }

  onError(): void {
    this.#end(NO_ANSWER);
  }

  #end(answer: Answer): void {
    const done = this.#done;
    this.#done = null;
    done?.(answer);
  }
}

/** The headers by which a request is known along its way. */
export const requestHeaders = (user: number, request: string, from: string, carrier: string): string[] => [
  Header.user, String(user), Header.request, request, Header.from, from, Header.carrier, carrier,
];
