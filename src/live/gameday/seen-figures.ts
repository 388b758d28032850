// What telemetry and clients show just now, for abort conditions, the steady state and the live view.

import type { Micros } from "../../kernel/units.js";
import type { RuleComparison, RuleSubject, Scenario } from "../../scenario/compiled.js";
import { cellsWhere, quantileBetween, sumBetween, type Books } from "../../sim/recording.js";
import type { Answer, Selector, TelemetryQuery } from "../../telemetry/query.js";
import { LedgerColumn } from "../../world/ledger.js";
import type { LiveWorld } from "./live-world.js";

/** What clients got in a stretch of the immediate past. */
export interface EdgeFigures {
  readonly requests: number;
  readonly perSecond: number;
  readonly errorRate: number | null;
  readonly p95Seconds: number | null;
}

const NOTHING_YET: EdgeFigures = { requests: 0, perSecond: 0, errorRate: null, p95Seconds: null };

export class SeenNow {
  readonly #scenario: Scenario;
  readonly #world: LiveWorld;
  /** Copies of the books, one per look. */
  readonly #past: Books[] = [];
  readonly #edge: readonly number[];

  constructor(scenario: Scenario, world: LiveWorld) {
    this.#scenario = scenario;
    this.#world = world;
    this.#edge = cellsWhere(world.ledger.cells, ({ scope }) => scope === "edge");
  }

  /** Looks at the books; figures of the edge are of the last `width`, or as far back as there were looks. */
  look(width: Micros): EdgeFigures {
    const { ledger } = this.#world;
    const now: Books = { at: this.#world.now(), totals: ledger.totals.slice(), histogram: ledger.histogram.slice() };
    while (this.#past.length > 1 && this.#past[1].at <= now.at - width) this.#past.shift();
    this.#past.push(now);
    const [before] = this.#past;
    if (before === now) return NOTHING_YET;
    const requests = sumBetween(before, now, this.#edge, LedgerColumn.requests);
    const errors = sumBetween(before, now, this.#edge, LedgerColumn.errors);
    return {
      requests,
      perSecond: (requests * 1e6) / (now.at - before.at),
      errorRate: requests > 0 ? errors / requests : null,
      p95Seconds: quantileBetween(before, now, this.#edge, ledger.edgesSeconds, 0.95),
    };
  }

  /** Replicas that should be there and are not, by version; of all versions but these. */
  replicasDownBut(except: readonly { readonly service: string; readonly version: string }[]): readonly string[] {
    return this.#scenario.world.services.flatMap(({ name }) => this.#world.status(name).flatMap(({ version, desired, ready }) =>
      ready >= desired || except.some((each) => each.service === name && each.version === version) ? [] : [`${name} ${version} has ${ready} of ${desired} replicas`]));
  }

  /** The newest figure of a series, over the strategy's window; null where telemetry has none. */
  figure({ series, subject }: RuleComparison): number | null {
    const status = this.#subject(subject);
    const { window } = this.#scenario.strategy;
    switch (series) {
      case "weight":
        return status.weight;
      case "replicas":
        return status.replicas;
      case "rps":
        return this.#ask({ fn: "rate", metric: "http_requests_total", where: status.where, window });
      case "error-rate":
        return share(this.#ask({ fn: "increase", metric: "http_requests_total", where: { ...status.where, code: "5xx" }, window }), this.#ask({ fn: "increase", metric: "http_requests_total", where: status.where, window }));
      case "conversion":
        return share(this.#ask({ fn: "increase", metric: "conversions_total", where: status.where, window }), this.#ask({ fn: "increase", metric: "http_requests_total", where: status.where, window }));
      case "p95":
        return this.#ask({ fn: "quantile", metric: "http_request_duration_seconds", q: 0.95, where: status.where, window });
    }
  }

  /** A version of a released service, or a service as a whole. */
  #subject({ service, version: wanted }: RuleSubject): { readonly where: Selector; readonly weight: number; readonly replicas: number } {
    const status = this.#world.status(service).filter(({ version }) => wanted === null || version === wanted);
    return {
      where: wanted === null ? { service } : { service, version: wanted },
      weight: status.reduce((sum, { weight }) => sum + weight, 0),
      replicas: status.reduce((sum, { ready }) => sum + ready, 0),
    };
  }

  #ask(query: TelemetryQuery): number | null {
    return valueOf(this.#world.telemetry.query(query, this.#world.now()));
  }
}

const valueOf = (answer: Answer): number | null => (answer.kind === "value" ? answer.value : null);

const share = (part: number | null, whole: number | null): number | null => (whole === null || whole <= 0 ? null : (part ?? 0) / whole);
