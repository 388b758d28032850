// The replica as a server: endpoints, probes, the metrics page, and its life from start to drain.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Micros } from "../../../kernel/units.js";
import { Header, type Order, type ReplicaSetup } from "../protocol.js";
import type { Obeys, Send } from "../shared/child.js";
import { callerOf, headerOf, identityOf } from "../shared/identity.js";
import { closeServer, listenOnLoopback } from "../shared/listen.js";
import { PulseMeter } from "../shared/pulse.js";
import { processMicros, RunClock } from "../shared/run-clock.js";
import { FlagView } from "./flag-view.js";
import { Replica } from "./replica.js";

const BOOKS_MILLIS = 500;
/** Effects are looked at this often; what they do to a request is looked up at once. */
const REFRESH_MILLIS = 100;
/** While it drains, requests that the proxy had already sent are still served for this long. */
const LATE_MILLIS = 300;
const CRASH_CODE = 1;
const OUT_OF_MEMORY_CODE = 137;

export class ReplicaServer implements Obeys {
  readonly replica: Replica;
  readonly #clock: RunClock;
  readonly #pulse = new PulseMeter(50);
  readonly #flag: FlagView | null;
  readonly #slots: ReadonlyMap<string, number>;
  readonly #timers: NodeJS.Timeout[] = [];
  #server: Server | null = null;
  #ready = false;
  /** Process time from which on a draining replica refuses; Infinity while it lives. */
  #refusesFrom: Micros = Infinity;
  /** By fault: how late it makes the metrics page, until when in process time. */
  readonly #metricsLate = new Map<string, { readonly delay: Micros | "silent"; readonly until: Micros }>();

  constructor(readonly setup: ReplicaSetup, readonly send: Send, readonly exit: (code: number) => void) {
    this.#clock = new RunClock(setup.epochMillis);
    this.replica = new Replica(setup, this.#clock, (death) => this.exit(death === "crashed" ? CRASH_CODE : OUT_OF_MEMORY_CODE));
    this.#slots = new Map(setup.service.endpoints.map(({ name }, slot) => [`/${name}`, slot]));
    this.#flag = setup.flag === null || setup.flagPort === null ? null
      : new FlagView(setup.flagPort, setup.flag, setup.flagDelay, (on) => this.#seeFlag(on));
  }

  /** Opens the port at once; requests are refused until the startup time is over. */
  async start(): Promise<number> {
    const { server, port } = await listenOnLoopback((request, response) => this.#serve(request, response));
    this.#server = server;
    this.send({ type: "listening", ports: { http: port } });
    this.#timers.push(setTimeout(() => void this.#boot(), this.setup.startup / 1000));
    this.#timers.push(setInterval(() => this.#sendBooks(), BOOKS_MILLIS));
    return port;
  }

  obey(order: Exclude<Order, { readonly type: "setup" }>): void {
    switch (order.type) {
      case "effect":
        this.replica.effects.order(order, this.#clock.now());
        this.replica.refresh();
        if (order.on) this.#timers.push(setTimeout(() => this.replica.refresh(), order.ttl / 1000 + 1));
        return;
      case "loss":
        this.replica.lossMask = order.mask;
        return;
      case "metrics":
        this.#metricsLate.set(order.id, { delay: order.delay, until: processMicros() + order.ttl });
        return;
      case "drain":
        this.#drain(order.limit);
        return;
      default:
        this.send({ type: "failed", why: `a replica does not know the order ${order.type}` });
    }
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#flag?.stop();
    this.#pulse.stop();
    this.replica.destroy();
    if (this.#server !== null) await closeServer(this.#server);
  }

  async #boot(): Promise<void> {
    if (this.setup.failsToStart) {
      this.exit(CRASH_CODE);
      return;
    }
    await this.#flag?.start();
    this.#ready = true;
    this.replica.self.becomeReady(this.#clock.now());
    this.#timers.push(setInterval(() => this.replica.refresh(), REFRESH_MILLIS));
    this.send({ type: "ready" });
  }

  #seeFlag(on: boolean): void {
    this.replica.effects.self.flagOn = on;
    this.replica.refresh();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    response.sendDate = false;
    const url = request.url ?? "/";
    const cut = url.indexOf("?");
    const path = cut < 0 ? url : url.slice(0, cut);
    const slot = this.#slots.get(path);
    if (slot !== undefined) this.#serveEndpoint(slot, request, response);
    else if (path === "/metrics") this.#serveMetrics(url, response);
    else if (path === "/healthz") this.#serveProbe(this.#ready && this.#refusesFrom === Infinity, response);
    else if (path === "/livez") this.#serveProbe(true, response);
    else answerText(response, 404, `${this.setup.replica} has no ${path}\n`);
  }

  #serveEndpoint(slot: number, request: IncomingMessage, response: ServerResponse): void {
    // Silent: nothing is read, nothing answered; whoever waits has a timeout of its own.
    if (this.replica.self.silent) return;
    if (!this.#ready || processMicros() >= this.#refusesFrom) {
      response.writeHead(503, ["content-length", "0", Header.version, this.setup.version]);
      response.end();
      return;
    }
    const caller = callerOf(request);
    const reload = caller.service === "client" ? Number(headerOf(request, Header.reload) ?? "0") : -1;
    this.replica.enter(identityOf(request), caller, slot, reload, response);
  }

  #serveProbe(good: boolean, response: ServerResponse): void {
    if (!this.replica.self.silent) answerText(response, good ? 200 : 503, good ? "ok\n" : "not ready\n");
  }

  #serveMetrics(url: string, response: ServerResponse): void {
    const lane = Number(/[?&]lane=(\d+)/.exec(url)?.[1] ?? "0");
    if (lane >= this.replica.page.lanes) {
      answerText(response, 404, `there are lanes 0 to ${this.replica.page.lanes - 1}\n`);
      return;
    }
    // A replica that does not answer requests does not answer its scrapes, and before it is ready there is no page.
    if (this.replica.self.silent) return;
    if (!this.#ready) {
      answerText(response, 503, "not ready\n");
      return;
    }
    const delay = this.#pageDelay();
    if (delay !== "silent") this.#sendPage(lane, response, delay);
  }

  /** Of all faults that are on together. */
  #pageDelay(): Micros | "silent" {
    const now = processMicros();
    let sum = 0;
    for (const { delay, until } of this.#metricsLate.values()) {
      if (now >= until) continue;
      if (delay === "silent") return "silent";
      sum += delay;
    }
    return sum;
  }

  /** The page is of now, however late it is sent: that is what a scrape takes it for. */
  #sendPage(lane: number, response: ServerResponse, delay: Micros): void {
    this.replica.page.render(lane, this.replica.gauges(lane)).then(
      (text) => {
        const send = (): void => {
          response.writeHead(200, { "content-type": this.replica.page.contentType, "content-length": Buffer.byteLength(text) });
          response.end(text);
        };
        if (delay === 0) send();
        else setTimeout(send, delay / 1000);
      },
      (error: unknown) => answerText(response, 500, `${String(error)}\n`),
    );
  }

  /** Ends when the last request is answered, or at the limit. */
  #drain(limit: Micros): void {
    if (this.#refusesFrom !== Infinity) return;
    const began = processMicros();
    this.#refusesFrom = began + Math.min(limit, LATE_MILLIS * 1000);
    this.#timers.push(setInterval(() => {
      const now = processMicros();
      const empty = now >= this.#refusesFrom && this.replica.inFlight === 0;
      if (!empty && now < began + limit) return;
      this.#sendBooks();
      this.exit(0);
    }, 20));
  }

  #sendBooks(): void {
    const { replica } = this;
    this.send({
      type: "replica-books", endpoints: replica.books.endpoints, inFlight: replica.inFlight, queue: replica.queued,
      ...replica.books.littlesLaw(processMicros()), pulse: this.#pulse.read(),
    });
  }
}

function answerText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "content-length": Buffer.byteLength(text) });
  response.end(text);
}
