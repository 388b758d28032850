// A replica's `/metrics` page, one prom-client registry per lane: names, labels and buckets of the telemetry catalogue.

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { MICROS_PER_SECOND, type Micros, type Ratio } from "../../../kernel/units.js";
import type { ReplicaSetup } from "../protocol.js";

/** Gauges as they are when the page is made. */
export interface Gauges {
  readonly cpu: Ratio;
  readonly memory: Ratio;
  readonly inFlight: number;
  readonly queue: number;
}

/**
 * The page has the labels `endpoint` and `code` only: `service`, `version` and `replica` are labels of the scrape
 * target, put on every series by whoever scrapes (Prometheus through its file-based discovery).
 */
class Lane {
  readonly registry = new Registry();
  readonly requests: Counter<"endpoint" | "code">;
  readonly conversions: Counter<"endpoint">;
  readonly orderValue: Counter<"endpoint">;
  readonly duration: Histogram<"endpoint">;
  readonly cpu: Gauge;
  readonly memory: Gauge;
  readonly inFlight: Gauge;
  readonly queue: Gauge;

  constructor(edgesSeconds: readonly number[]) {
    const registers = [this.registry];
    this.requests = new Counter({ name: "http_requests_total", help: "Requests answered.", labelNames: ["endpoint", "code"], registers });
    this.conversions = new Counter({ name: "conversions_total", help: "Pages that ended in an order.", labelNames: ["endpoint"], registers });
    this.orderValue = new Counter({ name: "order_value_euro_total", help: "Value of orders in euro.", labelNames: ["endpoint"], registers });
    this.duration = new Histogram({
      name: "http_request_duration_seconds", help: "Time from a request's arrival to its answer.",
      labelNames: ["endpoint"], buckets: [...edgesSeconds], registers,
    });
    this.cpu = new Gauge({ name: "cpu_usage_ratio", help: "CPU of the replica's limit.", registers });
    this.memory = new Gauge({ name: "memory_usage_ratio", help: "Memory of the replica's limit.", registers });
    this.inFlight = new Gauge({ name: "http_requests_in_flight", help: "Requests in service and in queue.", registers });
    this.queue = new Gauge({ name: "http_queue_length", help: "Requests that wait for a slot.", registers });
  }
}

export class MetricsPage {
  readonly contentType: string;
  readonly #lanes: readonly Lane[];

  constructor(setup: ReplicaSetup) {
    this.#lanes = Array.from({ length: 1 + setup.releases }, () => new Lane(setup.bucketEdgesSeconds));
    this.contentType = this.#lanes[0].registry.contentType;
    if (setup.seriesInit === "lazy") return;
    for (const { requests, conversions, orderValue, duration } of this.#lanes) {
      for (const { name: endpoint } of setup.service.endpoints) {
        requests.inc({ endpoint, code: "2xx" }, 0);
        requests.inc({ endpoint, code: "5xx" }, 0);
        conversions.inc({ endpoint }, 0);
        orderValue.inc({ endpoint }, 0);
        duration.zero({ endpoint });
      }
    }
  }

  get lanes(): number {
    return this.#lanes.length;
  }

  /** An answer, counted in every lane that its releases do not leave it out of. */
  answered(endpoint: string, failed: boolean, latency: Micros, taint: number): void {
    const seconds = latency / MICROS_PER_SECOND;
    this.#lanes.forEach((lane, index) => {
      if (index > 0 && (taint & (1 << (index - 1))) !== 0) return;
      lane.requests.inc({ endpoint, code: failed ? "5xx" : "2xx" });
      lane.duration.observe({ endpoint }, seconds);
    });
  }

  /** An order; `lanes` has a bit per lane in which the page converts. */
  converted(endpoint: string, value: number, lanes: number): void {
    this.#lanes.forEach((lane, index) => {
      if ((lanes & (1 << index)) === 0) return;
      lane.conversions.inc({ endpoint });
      lane.orderValue.inc({ endpoint }, value);
    });
  }

  /** The page's text with these gauges. */
  async render(lane: number, gauges: Gauges): Promise<string> {
    const { registry, cpu, memory, inFlight, queue } = this.#lanes[lane];
    cpu.set(gauges.cpu);
    memory.set(gauges.memory);
    inFlight.set(gauges.inFlight);
    queue.set(gauges.queue);
    return registry.metrics();
  }
}
