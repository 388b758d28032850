// The flag service: flagd's JSON format on a page that waits for changes, and evaluation by flagd's own core.

import { FlagdCore } from "@openfeature/flagd-core";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { FlagsSetup, Order } from "../protocol.js";
import type { Obeys, Send } from "../shared/child.js";
import { closeServer, listenOnLoopback } from "../shared/listen.js";
import { RunClock } from "../shared/run-clock.js";

/** A question about changes is answered after this long even without one. */
const LONGEST_POLL_MILLIS = 10_000;

/** One flag in flagd's format: two variants, of which the default one is what the flag is. */
interface FlagdFlag {
  readonly state: "ENABLED";
  readonly variants: { readonly on: true; readonly off: false };
  readonly defaultVariant: "on" | "off";
}

export const flagdConfiguration = (flags: ReadonlyMap<string, boolean>): string => JSON.stringify({
  $schema: "https://flagd.dev/schema/v0/flags.json",
  flags: Object.fromEntries([...flags].map(([name, on]): [string, FlagdFlag] =>
    [name, { state: "ENABLED", variants: { on: true, off: false }, defaultVariant: on ? "on" : "off" }])),
}, null, 2);

export class FlagServer implements Obeys {
  readonly #flags: Map<string, boolean>;
  readonly #core = new FlagdCore();
  readonly #clock: RunClock;
  readonly #waiting = new Map<ServerResponse, NodeJS.Timeout>();
  #server: Server | null = null;
  #change = 1;
  #page = "";

  /** A version's flag is on from its deploy, so all begin on. */
  constructor(setup: FlagsSetup, readonly send: Send) {
    this.#clock = new RunClock(setup.epochMillis);
    this.#flags = new Map(setup.flags.map((flag) => [flag, true]));
    this.#publish();
  }

  async start(): Promise<number> {
    const { server, port } = await listenOnLoopback((request, response) => this.#serve(request, response));
    this.#server = server;
    this.send({ type: "listening", ports: { http: port } });
    return port;
  }

  obey(order: Exclude<Order, { readonly type: "setup" }>): void {
    if (order.type !== "flag") {
      this.send({ type: "failed", why: `a flag service does not know the order ${order.type}` });
      return;
    }
    if (!this.#flags.has(order.flag)) {
      this.send({ type: "failed", why: `no flag ${order.flag}: there are ${[...this.#flags.keys()].join(", ") || "none"}` });
      return;
    }
    // Whoever asked has given up by now: the order waited here while this process was stopped.
    const accepted = this.#clock.now() <= order.until;
    if (accepted) {
      this.#flags.set(order.flag, order.on);
      this.#change += 1;
      this.#publish();
    }
    this.send({ type: "flag-set", change: order.change, accepted });
  }

  async stop(): Promise<void> {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    if (this.#server !== null) await closeServer(this.#server);
  }

  #publish(): void {
    this.#page = flagdConfiguration(this.#flags);
    this.#core.setConfigurations(this.#page);
    for (const response of [...this.#waiting.keys()]) this.#answer(response);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    if (url.pathname === "/flags.json") {
      const after = url.searchParams.get("after");
      if (after === null || Number(after) !== this.#change) {
        this.#answer(response);
        return;
      }
      this.#waiting.set(response, setTimeout(() => this.#answer(response), LONGEST_POLL_MILLIS));
      response.on("close", () => this.#forget(response));
    } else if (url.pathname === "/resolve") {
      const flag = url.searchParams.get("flag") ?? "";
      const { value, reason, variant, errorCode } = this.#core.resolveBooleanEvaluation(flag, false, {});
      answerJson(response, errorCode === undefined ? 200 : 404, JSON.stringify({ flag, value, reason, variant, errorCode }));
    } else if (url.pathname === "/healthz") {
      answerJson(response, 200, "{}");
    } else {
      answerJson(response, 404, "{}");
    }
  }

  #answer(response: ServerResponse): void {
    this.#forget(response);
    if (response.destroyed) return;
    response.setHeader("x-shakedown-change", String(this.#change));
    answerJson(response, 200, this.#page);
  }

  #forget(response: ServerResponse): void {
    clearTimeout(this.#waiting.get(response));
    this.#waiting.delete(response);
  }
}

function answerJson(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}
