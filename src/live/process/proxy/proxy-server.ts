// The proxy as a whole: one front per service, what main orders, and how it reports on itself.

import { build, type Histogram } from "hdr-histogram-js";
import type { Order, ProxySetup } from "../protocol.js";
import type { Obeys, Send } from "../shared/child.js";
import { PageKeys } from "../shared/identity.js";
import { PulseMeter } from "../shared/pulse.js";
import { Front } from "./front.js";

const REPORT_MILLIS = 1_000;

export class ProxyServer implements Obeys {
  readonly #fronts = new Map<string, Front>();
  readonly #pulse = new PulseMeter(10);
  readonly #own: Histogram = build({ highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 2 });
  #report: NodeJS.Timeout | null = null;
  #ownP95 = 0;

  constructor(setup: ProxySetup, readonly send: Send) {
    const keys = new PageKeys(setup.seed);
    const took = (micros: number): void => this.#own.recordValue(Math.max(1, micros));
    for (const service of setup.services) {
      this.#fronts.set(service.name, new Front(service, setup.seed, keys, () => this.#sendState(), took));
    }
  }

  async start(): Promise<Readonly<Record<string, number>>> {
    const ports: Record<string, number> = {};
    for (const [name, front] of this.#fronts) ports[name] = await front.start();
    this.send({ type: "listening", ports });
    this.#report = setInterval(() => {
      this.#ownP95 = this.#own.totalCount === 0 ? 0 : this.#own.getValueAtPercentile(95);
      this.#own.reset();
      this.#sendState();
    }, REPORT_MILLIS);
    return ports;
  }

  obey(order: Exclude<Order, { readonly type: "setup" }>): void {
    switch (order.type) {
      case "backends":
        this.#front(order.service)?.setBackends(order.backends);
        return;
      case "losses":
        this.#front(order.service)?.setLoss(order.version, order.mask);
        return;
      case "weights":
        this.#front(order.service)?.setWeights(order.weights);
        return;
      case "refuse":
        this.#front(order.to)?.refuse(order.id, order.from, order.ttl);
        return;
      case "allow":
        this.#front(order.to)?.allow(order.id);
        return;
      default:
        this.send({ type: "failed", why: `a proxy does not know the order ${order.type}` });
    }
  }

  async stop(): Promise<void> {
    if (this.#report !== null) clearInterval(this.#report);
    this.#pulse.stop();
    await Promise.all([...this.#fronts.values()].map((front) => front.stop()));
  }

  #front(service: string): Front | undefined {
    const front = this.#fronts.get(service);
    if (front === undefined) this.send({ type: "failed", why: `the proxy knows no service ${service}` });
    return front;
  }

  #sendState(): void {
    const admitted = Object.fromEntries([...this.#fronts].map(([name, front]) => [name, front.admitted]));
    this.send({ type: "proxy-state", admitted, ownMicrosP95: this.#ownP95, pulse: this.#pulse.read() });
  }
}
