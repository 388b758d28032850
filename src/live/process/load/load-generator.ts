// The load: open arrivals at their own times whatever the answers do, bounded, with the edge's ledger reported as a whole.

import { uniform } from "../../../kernel/draws.js";
import type { Micros } from "../../../kernel/units.js";
import type { Effect } from "../../../world/effect.js";
import { createLedger, type LedgerBook } from "../../../world/ledger.js";
import { endpointAt, isTargeted, userOf, type Model } from "../../../world/model.js";
import { Purpose } from "../../../world/request/hop-draws.js";
import { LATE_SEND, type LoadSetup, type Order } from "../protocol.js";
import type { Obeys, Send } from "../shared/child.js";
import { PulseMeter } from "../shared/pulse.js";
import { processMicros, RunClock } from "../shared/run-clock.js";
import { Waiting } from "../shared/waiting.js";
import { Arrivals, endedAt, loadModel, orderedSurge } from "./arrivals.js";
import { Clients } from "./clients.js";
import { LatencyBook } from "./latency-book.js";
import { Page } from "./page.js";

const REPORT_MILLIS = 500;
/** More pages under way than this are not sent, and count as not sent. */
const MOST_IN_FLIGHT = 4_000;

export class LoadGenerator implements Obeys {
  readonly ledger: LedgerBook;
  readonly #model: Model;
  readonly #clock: RunClock;
  readonly #clients: Clients;
  readonly #latencies = new LatencyBook();
  readonly #arrivals: readonly Arrivals[];
  readonly #waiting = new Waiting();
  readonly #pulse = new PulseMeter(10);
  readonly #surges: Effect[] = [];
  #report: NodeJS.Timeout | null = null;
  #state: "waiting" | "sending" | "over" = "waiting";
  /** Raised when arrivals are placed anew: appointments made before are not kept. */
  #placing = 0;
  #intended = 0;
  #sent = 0;
  #sentLate = 0;
  #refused = 0;

  constructor(readonly setup: LoadSetup, readonly send: Send) {
    this.#clock = new RunClock(setup.epochMillis);
    this.#model = loadModel(setup, []);
    this.ledger = createLedger(this.#model, "full");
    this.#clients = new Clients(setup, this.#model, this.ledger, this.#latencies, this.#clock, (page, at) => this.#sendAt(page, at));
    this.#arrivals = this.#model.traffic.map((traffic) => new Arrivals(traffic, this.#model, setup.duration));
  }

  start(): void {
    this.send({ type: "listening", ports: {} });
    this.#report = setInterval(() => this.#sendBooks(), REPORT_MILLIS);
  }

  obey(order: Exclude<Order, { readonly type: "setup" }>): void {
    switch (order.type) {
      case "begin":
        this.#begin(order.at);
        return;
      case "end":
        this.#state = "over";
        return;
      case "surge":
        this.#surge(order);
        return;
      default:
        this.send({ type: "failed", why: `a load generator does not know the order ${order.type}` });
    }
  }

  stop(): void {
    this.#state = "over";
    if (this.#report !== null) clearInterval(this.#report);
    this.#pulse.stop();
    this.#clients.destroy();
  }

  /** Arrivals before `at` are the simulator's alone. */
  #begin(at: Micros): void {
    if (this.#state !== "waiting") return;
    this.#state = "sending";
    this.#arrivals.forEach((arrivals, stream) => {
      while (arrivals.at < at) arrivals.advance();
      this.#await(stream);
    });
  }

  /** The rate is multiplied from now on for `ttl`; it ends by itself. */
  #surge({ id, factor, ttl }: Extract<Order, { readonly type: "surge" }>): void {
    const now = this.#clock.now();
    if (ttl > 0) this.#surges.push(orderedSurge(id, factor, now, now + ttl));
    // One that is called off ends now, and stays in the past: what it brought is among the arrivals.
    else this.#surges.forEach((surge, place) => (this.#surges[place] = surge.id === id ? endedAt(surge, now) : surge));
    const model = loadModel(this.setup, this.#surges);
    this.#placing += 1;
    this.#arrivals.forEach((arrivals, stream) => {
      arrivals.follow(model);
      if (this.#state === "sending") this.#await(stream);
    });
  }

  /** Waits for the stream's next arrival, sends all that are due, and waits again. */
  #await(stream: number): void {
    const arrivals = this.#arrivals[stream];
    const placing = this.#placing;
    if (arrivals.at >= this.setup.duration || this.#state !== "sending") return;
    this.#waiting.until(this.#inProcess(arrivals.at), () => {
      if (placing !== this.#placing || this.#state !== "sending") return;
      // Half a millisecond early is what the timer's grain gives, and as often it is late.
      const due = this.#clock.now() + 500;
      do {
        this.#arrive(stream, arrivals);
        arrivals.advance();
      } while (arrivals.at <= due && arrivals.at < this.setup.duration);
      this.#await(stream);
    });
  }

  #arrive(stream: number, { number, at }: Arrivals): void {
    const { traffic, services, spec } = this.#model;
    const { pageKey, service } = traffic[stream];
    const user = userOf(uniform(pageKey, number, Purpose.user), spec.users);
    const endpoint = endpointAt(services[service], uniform(pageKey, number, Purpose.endpoint));
    const segment = this.#model.segmented && isTargeted(this.#model, user) ? 1 : 0;
    this.#dispatch(new Page(stream, number, user, endpoint, segment), at);
  }

  /** A reload. */
  #sendAt(page: Page, at: Micros): void {
    this.#waiting.until(this.#inProcess(at), () => {
      if (this.#state === "sending") this.#dispatch(page, at);
    });
  }

  #dispatch(page: Page, at: Micros): void {
    this.#intended += 1;
    if (this.#clients.inFlight >= MOST_IN_FLIGHT) {
      this.#refused += 1;
      return;
    }
    this.#sent += 1;
    const lag = this.#clock.now() - at;
    if (lag > LATE_SEND) this.#sentLate += 1;
    this.#latencies.recordLag(lag);
    this.#clients.load(page, at);
  }

  /** Run time as process time. */
  #inProcess(at: Micros): Micros {
    return at - this.#clock.now() + processMicros();
  }

  #sendBooks(): void {
    const { totals, histogram, firstHarmAt, lastHarmAt, harmBy } = this.ledger;
    const { p50, p99 } = this.#latencies.takeLag();
    const now = this.#clock.now();
    this.send({
      type: "load-books", totals, histogram, firstHarmAt, lastHarmAt, harmBy,
      intended: this.#intended, sent: this.#sent, refused: this.#refused,
      rate: this.#arrivals.reduce((sum, arrivals) => sum + arrivals.rate(Math.max(0, now)), 0),
      sendLagP50: p50, sendLagP99: p99, sentLate: this.#sentLate,
      latencyP50: this.#latencies.latencyAt(50), latencyP95: this.#latencies.latencyAt(95), latencyP99: this.#latencies.latencyAt(99),
      pulse: this.#pulse.read(),
    });
  }
}
