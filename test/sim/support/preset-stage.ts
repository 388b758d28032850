// The stage on which presets are shown: a small shop in either fidelity, played to the end, then asked through its telemetry.

import { expect } from "vitest";
import { minutes, seconds, type Micros } from "../../../src/kernel/units.js";
import type { Scenario } from "../../../src/scenario/compiled.js";
import { loadScenario } from "../../../src/scenario/load.js";
import { worldInputOf } from "../../../src/sim/simulate.js";
import type { GaugeName, CounterName } from "../../../src/telemetry/catalogue.js";
import type { Answer, Selector, TelemetryQuery } from "../../../src/telemetry/query.js";
import { createCohortWorld } from "../../../src/world/cohort/cohort-world.js";
import { createRequestWorld } from "../../../src/world/request/request-world.js";
import type { Fidelity, World, WorldEvent } from "../../../src/world/world.js";
import { memoryFiles } from "../../scenario/fixtures.js";

export const SHOP = { service: "shop" } as const;
export const FIDELITIES: readonly Fidelity[] = ["request", "cohort"];

/** Faults last from minute 2 to minute 4 of 6 unless a test says otherwise. */
export const BEFORE = { from: seconds(15), to: minutes(2) } as const;
export const DURING = { from: minutes(2), to: minutes(4) } as const;
export const AFTER = { from: seconds(270), to: minutes(6) } as const;
export const END = minutes(6);

/** A stretch of the run that a query looks at: (from, to]. */
export interface Stretch {
  readonly from: Micros;
  readonly to: Micros;
}

export interface StageOptions {
  /** The script's items, as YAML. */
  readonly script: string;
  /** More fields of the service `shop`, as YAML; they replace those of the same name. */
  readonly shop?: Readonly<Record<string, string>>;
  readonly rps?: number;
  readonly telemetry?: string;
  readonly database?: string;
  readonly paymentsCall?: string;
  /** Timeout of queries. */
  readonly queryTimeout?: string;
  readonly clients?: string;
  readonly strategy?: string;
  readonly until?: Micros;
  /** Holds the script's release at this weight from minute 1 on. */
  readonly held?: number;
  /** Switches the release's flag `new` off then. */
  readonly flagOffAt?: Micros;
  readonly seed?: number;
}

const SHOP_FIELDS: Readonly<Record<string, string>> = {
  replicas: "4",
  zones: "2",
  slots: "16",
  queue: "40",
  balancing: "round-robin",
  "health-check": "{ interval: 5s, healthy-after: 2, unhealthy-after: 3 }",
  startup: "{ constant: 10s }",
  "warm-up": "{ for: 0s, factor: x1 }",
  cpu: "{ idle: 10%, busy: 60% }",
  memory: "{ base: 400MB, limit: 1000MB }",
};

/** Shop (order, view) -> payments -> orders-db; view asks the database itself. */
function scenarioText({ script, shop = {}, rps = 60, telemetry = "{ scrape: 5s, lag: 0s, init: zero }", database = "{ p50: 4ms, p95: 10ms, pool: 20, wait: 500ms }", paymentsCall = "{ to: payments/charge, timeout: 1s }", queryTimeout = "1s", clients = "{ timeout: 10s, reload: { share: 0% } }", strategy = "{}", until = END }: StageOptions): string {
  const fields = Object.entries({ ...SHOP_FIELDS, ...shop }).map(([key, value]) => `      ${key}: ${value}`).join("\n");
  return `shakedown: 1
kind: scenario
for: ${until / 1e6}s
objectives: { error-rate: 1%, p95: 500ms }
strategy: ${strategy}
world:
  users: 20000
  services:
    shop:
${fields}
      endpoints:
        order: { share: 60%, p50: 30ms, p95: 60ms, errors: 0.5%, calls: [${paymentsCall}], conversion: 50%, order-value: 20EUR }
        view: { share: 40%, p50: 20ms, p95: 40ms, errors: 0.5%, calls: [{ to: orders-db, timeout: ${queryTimeout} }] }
    payments:
      version: p1
      replicas: 3
      slots: 16
      queue: 40
      balancing: round-robin
      health-check: { interval: 5s }
      startup: { constant: 10s }
      warm-up: { for: 0s, factor: x1 }
      endpoints: { charge: { p50: 20ms, p95: 40ms, calls: [{ to: orders-db, timeout: ${queryTimeout} }] } }
  databases: { orders-db: ${database} }
  traffic: { enters: shop, rate: ${rps}rps }
  clients: ${clients}
  telemetry: ${telemetry}
  flags: { propagation: 1s-5s }
script:
${script}
`;
}

/** A scenario on the stage, through the loader as a user's file would go. */
export function staged(options: StageOptions): Scenario {
  const path = "/p/basics/preset.yaml";
  const loaded = loadScenario(path, memoryFiles({ [path]: scenarioText(options) }));
  if (!loaded.ok) throw new Error(loaded.problems.map(({ line, message, instead }) => `${line}: ${message}; ${instead}`).join("\n"));
  return loaded.value;
}

/** A preset as a fault from minute 2 to minute 4. */
export const fault = (preset: string, fields = "", lasts = "2m"): string => `  - { at: 2m, fault: { ${preset}: { ${fields} }, for: ${lasts} } }`;

/** A preset as what is wrong with release v2 of the shop. */
export const release = (preset: string, fields = "", more = ""): string =>
  `  - { at: 0s, release: { service: shop, version: v2${more}, defects: [{ preset: ${preset}${fields === "" ? "" : `, ${fields}`} }] } }`;

/** The world of a scenario, before its first moment. */
export function worldOf(fidelity: Fidelity, scenario: Scenario, seed = 1): World {
  const input = worldInputOf({ scenario, seed, fidelity, noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } });
  return fidelity === "request" ? createRequestWorld(input) : createCohortWorld(input);
}

/** Plays the stage to its end; a release gets as many replicas as stable and its weight from minute 1 on. */
export function play(fidelity: Fidelity, options: StageOptions): Seen {
  const scenario = staged(options);
  const world = worldOf(fidelity, scenario, options.seed);
  if (options.held !== undefined) {
    world.scale("shop", "v2", 4);
    world.advanceTo(minutes(1));
    world.setWeights("shop", { v1: 1 - options.held, v2: options.held });
  }
  if (options.flagOffAt !== undefined) {
    world.advanceTo(options.flagOffAt);
    world.setFlag("new", false);
  }
  world.advanceTo(options.until ?? END);
  return new Seen(world);
}

/** What an engine sees: every figure is an answer of the telemetry, asked as of the stretch's end. */
export class Seen {
  constructor(readonly world: World) {}

  answer(query: TelemetryQuery, at: Micros, lane = 0): Answer {
    return this.world.telemetry.query(query, at, lane);
  }

  /** NaN where telemetry has no answer. */
  value(query: TelemetryQuery, at: Micros, lane = 0): number {
    const answer = this.answer(query, at, lane);
    return answer.kind === "value" ? answer.value : NaN;
  }

  increase(metric: CounterName, where: Selector, { from, to }: Stretch, lane = 0): number {
    return this.value({ fn: "increase", metric, where, window: to - from }, to, lane);
  }

  requests(where: Selector, stretch: Stretch, lane = 0): number {
    return this.increase("http_requests_total", where, stretch, lane);
  }

  /** Requests per second. */
  rate(where: Selector, { from, to }: Stretch): number {
    return this.value({ fn: "rate", metric: "http_requests_total", where, window: to - from }, to);
  }

  errorRate(where: Selector, stretch: Stretch, lane = 0): number {
    return this.requests({ ...where, code: "5xx" }, stretch, lane) / this.requests(where, stretch, lane);
  }

  quantile(q: number, where: Selector, { from, to }: Stretch, lane = 0): number {
    return this.value({ fn: "quantile", metric: "http_request_duration_seconds", where, q, window: to - from }, to, lane);
  }

  /** Mean duration in seconds. */
  mean(where: Selector, { from, to }: Stretch, lane = 0): number {
    const window = to - from;
    const sum = this.value({ fn: "increase", metric: "http_request_duration_seconds_sum", where, window }, to, lane);
    return sum / this.value({ fn: "increase", metric: "http_request_duration_seconds_count", where, window }, to, lane);
  }

  conversion(where: Selector, stretch: Stretch, lane = 0): number {
    return this.increase("conversions_total", where, stretch, lane) / this.requests({ ...where, code: "2xx" }, stretch, lane);
  }

  /** The newest value of a gauge at `at`, over series as `across` says. */
  latest(metric: GaugeName, where: Selector, at: Micros, across: "sum" | "avg" | "max" | "min" = "avg", lane = 0): number {
    return this.value({ fn: "latest", metric, where, across, window: minutes(5) }, at, lane);
  }

  average(metric: GaugeName, where: Selector, { from, to }: Stretch, lane = 0): number {
    return this.value({ fn: "avg-over-time", metric, where, across: "avg", window: to - from }, to, lane);
  }

  highest(metric: GaugeName, where: Selector, { from, to }: Stretch): number {
    return this.value({ fn: "max-over-time", metric, where, across: "max", window: to - from }, to);
  }

  lowest(metric: GaugeName, where: Selector, { from, to }: Stretch): number {
    return this.value({ fn: "min-over-time", metric, where, across: "min", window: to - from }, to);
  }

  events(kind: WorldEvent["kind"]): readonly WorldEvent[] {
    return this.world.events.filter((event) => event.kind === kind);
  }
}

/** Four standard errors of a share of `n`. */
export const chanceOfShare = (share: number, n: number): number => 4 * Math.sqrt((share * (1 - share)) / n);

/** `seen` lies within `within` of `expected`. NaN, which is no answer, does not. */
export function expectNear(seen: number, expected: number, within: number): void {
  expect(seen).toBeGreaterThanOrEqual(expected - within);
  expect(seen).toBeLessThanOrEqual(expected + within);
}
