// The cohort world as engines and judges meet it: effects show, books balance, and nothing depends on what ran before.

import { describe, expect, it } from "vitest";
import { millis, minutes, seconds } from "../../../src/kernel/units.js";
import { cohortRefusals, createCohortWorld } from "../../../src/world/cohort/cohort-world.js";
import type { Effect, EffectKind, EffectTarget } from "../../../src/world/effect.js";
import { HarmColumn, LEDGER_COLUMNS, LedgerColumn } from "../../../src/world/ledger.js";
import type { World, WorldInput } from "../../../src/world/world.js";
import { call, effect, endpoint, input, service, shop, world } from "./small-world.js";

const played = (over: Partial<WorldInput>, until = 20, spec = shop()): World => {
  const made = createCohortWorld(input(spec, over));
  made.advanceTo(minutes(until));
  made.settle();
  return made;
};

function total(from: World, column: keyof typeof LedgerColumn, scope: "edge" | "service" = "edge", name = "checkout"): number {
  let sum = 0;
  from.ledger.cells.forEach((cell, i) => {
    if (cell.scope === scope && cell.service === name) sum += from.ledger.totals[i * LEDGER_COLUMNS + LedgerColumn[column]];
  });
  return sum;
}

const errorRate = (of: World): number => total(of, "errors") / total(of, "requests");
const meanSeconds = (of: World): number => total(of, "latencySeconds") / total(of, "requests");
const gauge = (of: World, metric: "cpu_usage_ratio" | "memory_usage_ratio", service = "checkout"): number => {
  const answer = of.telemetry.query({ fn: "latest", metric, across: "avg", where: { service }, window: minutes(1) }, of.now());
  return answer.kind === "value" ? answer.value : NaN;
};

const always = (target: EffectTarget, what: EffectKind, over: Partial<Effect> = {}): Effect[] => [effect(target, what, over)];
const on = { on: "service", service: "checkout" } as const;

describe("books", () => {
  it("have the expected values in noise-free mode that many noisy runs have on average", () => {
    const exact = played({ noiseFree: true });
    const runs = Array.from({ length: 30 }, (_, seed) => played({ seed }));
    for (const column of ["requests", "errors", "latencySeconds", "conversions"] as const) {
      const mean = runs.reduce((sum, run) => sum + total(run, column) / runs.length, 0);
      const deviation = Math.sqrt(total(exact, column) / runs.length);
      expect(Math.abs(mean - total(exact, column))).toBeLessThan(4 * deviation + 1e-3 * total(exact, column));
    }
  });

  it("agree with telemetry: every edge answer is one of the entry service's", () => {
    const run = played({});
    expect(total(run, "requests")).toBe(total(run, "requests", "service"));
    const { inFlightSeconds, latencySeconds, arrivals } = run.littlesLaw("checkout");
    expect(inFlightSeconds / latencySeconds).toBeCloseTo(1, 2);
    expect(arrivals).toBeCloseTo(100 * 1200, -1);
  });

  it("count inside what arrivals feel while a queue fills up and breathes: Little's law holds in every seed", () => {
    const spec = world({ services: [service({ replicas: 6, slots: 3, queue: 100, endpoints: [endpoint({ time: { kind: "lognormal", p50: millis(110), p95: millis(220) } })] })] });
    const slowed = always(on, { kind: "latency", factor: 1.6, add: 0 }, { when: { from: seconds(40), to: seconds(60), rpsAbove: null, afterWarmLife: 0 } });
    for (let seed = 0; seed < 8; seed += 1) {
      const { inFlightSeconds, latencySeconds } = played({ seed, effects: slowed }, 2, spec).littlesLaw("checkout");
      expect(Math.abs(inFlightSeconds / latencySeconds - 1), `seed ${seed}`).toBeLessThan(0.05);
    }
  });

  it("keep every request in the fine histogram", () => {
    const run = played({ noiseFree: true });
    const edge = run.ledger.cells.findIndex((cell) => cell.scope === "edge");
    const sum = run.ledger.histogram.slice(edge * 70, (edge + 1) * 70).reduce((a, b) => a + b, 0);
    expect(sum / total(run, "requests")).toBeCloseTo(1, 6);
  });
});

describe("digests", () => {
  it("are the same twice, with cold laws and with warm ones", () => {
    const spec = shop();
    const cold = played({ seed: 7 }, 10, spec).digest.hex();
    played({ seed: 8, effects: always(on, { kind: "latency", factor: 2, add: 0 }) }, 10, spec);
    expect(played({ seed: 7 }, 10, spec).digest.hex()).toBe(cold);
    expect(played({ seed: 7 }, 10, structuredClone(spec)).digest.hex()).toBe(cold);
    expect(played({ seed: 9 }, 10, spec).digest.hex()).not.toBe(cold);
  });

  it("and other services' draws stay what they were when a weight changes", () => {
    const versions = [{ service: "checkout", version: "v2", flag: null }];
    const withWeight = (weight: number): World => {
      const made = createCohortWorld(input(shop(), { versions }));
      made.scale("checkout", "v2", 2);
      made.advanceTo(minutes(2));
      made.setWeights("checkout", { v1: 1 - weight, v2: weight });
      made.advanceTo(minutes(10));
      made.settle();
      return made;
    };
    const [few, many] = [withWeight(0.05), withWeight(0.25)];
    const payments = (run: World): number => total(run, "requests", "service", "payments");
    // The same uniforms on nearly the same expectation: far closer than two independent counts would be.
    expect(Math.abs(payments(few) - payments(many))).toBeLessThan(0.1 * Math.sqrt(payments(few)));
  });
});

describe("effects show", () => {
  const base = played({ noiseFree: true });
  const run = (effects: readonly Effect[], spec = shop(), until = 20): World => played({ noiseFree: true, effects }, until, spec);

  it("errors raise the error rate by their ratio", () => {
    expect(errorRate(run(always(on, { kind: "errors", ratio: 0.03 }))) - errorRate(base)).toBeCloseTo(0.03 * (1 - errorRate(base)), 3);
  });
  it("latency stretches own work", () => {
    expect(meanSeconds(run(always(on, { kind: "latency", factor: 2, add: 0 }))) - meanSeconds(base)).toBeCloseTo(0.05, 2);
  });
  it("a slow database slows its callers' callers", () => {
    expect(meanSeconds(run(always({ on: "database", database: "ledger" }, { kind: "latency", factor: 4, add: 0 })))).toBeGreaterThan(meanSeconds(base) + 0.014);
  });
  it("an exhausted pool fails queries", () => {
    expect(errorRate(run(always({ on: "database", database: "ledger" }, { kind: "pool", taken: 10 })))).toBeGreaterThan(0.9);
  });
  it("a lock holds everybody up until it is released", () => {
    const when = { from: minutes(10), to: minutes(12), rpsAbove: null, afterWarmLife: 0 };
    const locked = run(always({ on: "database", database: "ledger" }, { kind: "lock", hold: seconds(20) }, { when }));
    expect(total(locked, "errors") - total(base, "errors")).toBeGreaterThan(500);
  });
  it("a partition fails the calls over the link and nothing else", () => {
    const cut = run(always({ on: "link", from: "checkout", to: "payments" }, { kind: "outage" }), world({ ...shop(), traffic: [{ ...shop().traffic[0], rate: 15 }] }));
    expect(errorRate(cut)).toBeGreaterThan(0.99);
    expect(total(cut, "requests", "service", "payments")).toBe(0);
  });
  it("cpu pressure shows in the gauge and slows past the limit", () => {
    const pressed = run(always(on, { kind: "cpu", add: 0.9 }));
    expect(gauge(pressed, "cpu_usage_ratio")).toBeGreaterThan(0.95);
    expect(meanSeconds(pressed)).toBeGreaterThan(meanSeconds(base) * 1.05);
  });
  it("a memory leak fills the gauge, kills the replicas and starts again", () => {
    const leak = always(on, { kind: "memory-growth", bytesPerMinute: 50 * 2 ** 20 });
    expect(gauge(run(leak, shop(), 10), "memory_usage_ratio")).toBeCloseTo((400 + 500) / 1024, 1);
    const killed = run(leak, shop(), 14);
    expect(killed.events.filter(({ kind }) => kind === "out-of-memory").length).toBe(4);
    expect(gauge(killed, "memory_usage_ratio")).toBeLessThan(0.6);
  });
  it("a surge multiplies arrivals", () => {
    expect(total(run(always({ on: "traffic" }, { kind: "surge", factor: 1.5 })), "requests") / total(base, "requests")).toBeCloseTo(1.5, 2);
  });
  it("a conversion drop takes orders without an error", () => {
    const dropped = run(always(on, { kind: "conversion", drop: 0.3 }));
    expect(total(dropped, "conversions") / total(base, "conversions")).toBeCloseTo(0.7, 3);
    expect(total(dropped, "errors")).toBeCloseTo(total(base, "errors"), 6);
  });
  it("a killed replica's share is refused until it is ready or no longer admitted", () => {
    const when = { from: minutes(10), to: minutes(11), rpsAbove: null, afterWarmLife: 0 };
    const hit = run(always({ ...on, replica: 1 }, { kind: "kill", count: 1 }, { when }));
    expect(total(hit, "errors") - total(base, "errors")).toBeGreaterThan(100);
    expect(hit.events.some(({ kind }) => kind === "replica-killed")).toBe(true);
  });
  it("a zone outage, a restart loop and a failing start are events that end with capacity back", () => {
    const when = { from: minutes(5), to: minutes(8), rpsAbove: null, afterWarmLife: 0 };
    const zone = run(always({ on: "zone", zone: 0 }, { kind: "outage" }, { when }));
    const loop = run(always(on, { kind: "restart-loop", every: minutes(2) }));
    expect(zone.status("checkout")[0].ready).toBe(4);
    expect(errorRate(zone)).toBeGreaterThan(errorRate(base));
    expect(loop.events.filter(({ kind }) => kind === "replica-killed").length).toBeGreaterThan(10);
  });
  it("an effect for a share of users hurts the targeted segment only", () => {
    const limited = run(always(on, { kind: "errors", ratio: 0.5 }, { users: 0.1 }));
    const rate = (segment: string): number => {
      const at = limited.ledger.cells.findIndex((cell) => cell.scope === "edge" && cell.segment === segment);
      return limited.ledger.totals[at * LEDGER_COLUMNS + LedgerColumn.errors] / limited.ledger.totals[at * LEDGER_COLUMNS];
    };
    expect(rate("targeted")).toBeGreaterThan(0.5);
    expect(rate("rest")).toBeCloseTo(errorRate(base), 4);
  });
});

describe("a release", () => {
  const versions = [{ service: "checkout", version: "v2", flag: "new" }];
  const defect = (over: Partial<Effect> = {}): Effect => effect({ ...on, version: "v2" }, { kind: "errors", ratio: 0.2 },
    { release: 0, carrier: { with: "flag", service: "checkout", version: "v2", flag: "new" }, ...over });
  const canary = (effects: readonly Effect[]): World => {
    const made = createCohortWorld(input(shop(), { versions, effects }));
    made.scale("checkout", "v2", 2);
    made.advanceTo(minutes(2));
    made.setWeights("checkout", { v1: 0.8, v2: 0.2 });
    made.advanceTo(minutes(10));
    return made;
  };
  const seen = (of: World, code: "5xx" | undefined, lane: number): number => {
    const answer = of.telemetry.query({ fn: "increase", metric: "http_requests_total", where: { service: "checkout", version: "v2", ...(code === undefined ? {} : { code }) }, window: minutes(2) }, of.now(), lane);
    return answer.kind === "value" ? answer.value : 0;
  };

  it("harms what carries its defect, and its own lane knows nothing of it", () => {
    const hurt = canary([defect()]);
    hurt.settle();
    expect(seen(hurt, "5xx", 0) / seen(hurt, undefined, 0)).toBeGreaterThan(0.15);
    expect(seen(hurt, "5xx", 1) / seen(hurt, undefined, 1)).toBeLessThan(0.03);
    expect(hurt.ledger.firstHarmAt[0]).toBeGreaterThan(minutes(2));
    expect(hurt.ledger.firstHarmAt[0]).toBeLessThan(minutes(2) + seconds(10));
    expect(hurt.ledger.harmBy[HarmColumn.pages] / (100 * 0.2 * 0.2 * 478)).toBeCloseTo(1, 0);
  });

  it("harms nobody before the first harmed answer could have come: a slow one is slow when it ends", () => {
    const firstAfter = (what: EffectKind): number => canary([{ ...defect(), what }]).ledger.firstHarmAt[0] - minutes(2);
    const failing = firstAfter({ kind: "errors", ratio: 1 });
    expect(failing).toBeLessThan(seconds(3));
    expect(firstAfter({ kind: "latency", factor: 1, add: seconds(3) })).toBeGreaterThan(failing + seconds(2.9));
  });

  it("stops harming once its flag is off everywhere", () => {
    const hurt = canary([defect()]);
    expect(hurt.setFlag("new", false)).toBe(true);
    hurt.advanceTo(minutes(11));
    hurt.settle();
    const before = hurt.ledger.harmBy[HarmColumn.pages];
    hurt.advanceTo(minutes(15));
    hurt.settle();
    expect(hurt.ledger.harmBy[HarmColumn.pages]).toBe(before);
  });
});

describe("retries", () => {
  const spec = (budget: number) => shop({ services: [
    service({ endpoints: [endpoint({ calls: [call({ kind: "endpoint", service: "payments", endpoint: "charge" }, { retries: { max: 2, backoff: millis(20), budget } })] })] }),
    shop().services[1],
  ] });
  const failing = always({ on: "service", service: "payments" }, { kind: "errors", ratio: 0.5 });

  it("multiply the callee's load as the series of failures says, and stop at their budget", () => {
    const load = (budget: number): number => {
      const run = played({ noiseFree: true, effects: failing }, 10, spec(budget));
      return total(run, "requests", "service", "payments") / total(run, "requests") / 0.998;
    };
    expect(load(1)).toBeCloseTo(1 + 0.5005 + 0.5005 ** 2, 2);
    expect(load(0.1)).toBeCloseTo(1.1, 2);
  });
});

describe("a circuit breaker", () => {
  const breaker = { failureRatio: 0.5, minRequests: 20, window: seconds(10), openFor: seconds(10) };
  const spec = shop({ services: [
    service({ endpoints: [endpoint({ calls: [call({ kind: "endpoint", service: "payments", endpoint: "charge" }, { breaker })] })] }),
    shop().services[1],
  ] });
  const cut = effect({ on: "link", from: "checkout", to: "payments" }, { kind: "outage" }, { when: { from: minutes(5), to: minutes(10), rpsAbove: null, afterWarmLife: 0 } });
  const noted = (run: World, kind: string): number[] => run.events.filter((event) => event.kind === kind).map(({ at }) => at);

  it("stays open as long as its trial calls fail, so that hardly anybody waits for the timeout", () => {
    for (const noiseFree of [true, false]) {
      const run = played({ noiseFree, effects: [cut] }, 15, spec);
      const opened = noted(run, "breaker-opened");
      expect(opened.length).toBeGreaterThan(25);
      expect(opened.length).toBeLessThan(32);
      const closed = noted(run, "breaker-closed");
      expect(closed).toHaveLength(1);
      expect(closed[0] - minutes(10)).toBeLessThan(seconds(16));
      expect(total(run, "slow") / total(run, "requests")).toBeLessThan(0.01);
      expect(total(run, "errors") / total(run, "requests")).toBeCloseTo(1 / 3, 1);
    }
  });

  it("tries nothing, and says nothing, while no request comes that would call", () => {
    const run = createCohortWorld(input(spec, { effects: [cut], versions: [{ service: "checkout", version: "v2", flag: null }] }));
    run.advanceTo(minutes(6));
    expect(noted(run, "breaker-opened").length).toBeGreaterThan(3);
    run.scale("checkout", "v2", 3);
    run.advanceTo(minutes(7));
    run.setWeights("checkout", { v2: 1 });
    run.scale("checkout", "v1", 0);
    run.advanceTo(minutes(8));
    const said = (): number => run.events.filter(({ kind, text }) => kind === "breaker-opened" && text.includes("v1")).length;
    const before = said();
    run.advanceTo(minutes(10));
    expect(said()).toBe(before);
  });

  it("closes after some of its trials where some calls would succeed, with noise", () => {
    const failing = effect({ on: "service", service: "payments" }, { kind: "errors", ratio: 0.6 });
    const runs = [1, 2, 3].map((seed) => played({ seed, effects: [failing] }, 30, spec));
    const count = (kind: string): number => runs.reduce((sum, run) => sum + noted(run, kind).length, 0);
    expect(count("breaker-closed") / count("breaker-opened")).toBeGreaterThan(0.25);
    expect(count("breaker-closed") / count("breaker-opened")).toBeLessThan(0.55);
  });
});

it("a version without replicas refuses its pages, which are loaded again, and asks nothing of others", () => {
  const spec = world({ ...shop(), services: [service({ endpoints: [endpoint({ calls: [call({ kind: "database", database: "ledger" }, { timeout: millis(10) })] })] })],
    clients: { timeout: seconds(10), reload: { share: 0.5, after: seconds(2), max: 2 } } });
  const run = createCohortWorld(input(spec, { noiseFree: true }));
  run.advanceTo(minutes(5));
  run.scale("checkout", "v1", 0);
  run.advanceTo(minutes(10));
  run.settle();
  const before = total(run, "requests");
  run.advanceTo(minutes(15));
  run.settle();
  expect((total(run, "requests") - before) / (300 * 100)).toBeCloseTo(1.75, 1);
  const timeouts = run.telemetry.query({ fn: "increase", metric: "db_query_timeouts_total", where: { database: "ledger" }, window: minutes(2) }, run.now());
  expect(timeouts).toMatchObject({ kind: "value", value: 0 });
});

it("the queue for a locked pool grows until the lock is released", () => {
  const lock = always({ on: "database", database: "ledger" }, { kind: "lock", hold: seconds(60) }, { when: { from: minutes(5), to: minutes(6), rpsAbove: null, afterWarmLife: 0 } });
  const spec = shop({ databases: [{ ...shop().databases[0], wait: seconds(20) }], telemetry: { ...shop().telemetry, scrape: seconds(5) } });
  const run = createCohortWorld(input(spec, { noiseFree: true, effects: lock }));
  const waiting = (at: number): number => {
    run.advanceTo(at);
    const answer = run.telemetry.query({ fn: "latest", metric: "db_pool_waiting", across: "sum", where: { database: "ledger" }, window: seconds(10) }, at);
    return answer.kind === "value" ? answer.value : NaN;
  };
  const [middle, late] = [waiting(minutes(5) + seconds(40)), waiting(minutes(5) + seconds(59))];
  expect(middle).toBeGreaterThan(10);
  expect(late).toBeGreaterThan(middle * 0.95);
});

it("counts with and without a release's mark are drawn each by itself, whatever the release's number", () => {
  // Half of the requests call payments, which the release slows by so little that both halves fall into the same buckets.
  const spec = shop({ services: [
    service({ endpoints: [endpoint({ calls: [call({ kind: "endpoint", service: "payments", endpoint: "charge" }, { share: 0.5 })], time: { kind: "constant", value: millis(300) } })], slots: 100 }),
    shop().services[1],
  ] });
  const dispersion = (release: number): number => {
    const run = createCohortWorld(input(spec, { effects: always({ on: "service", service: "payments" }, { kind: "latency", factor: 1, add: 1 }, { release }) }));
    const counts: number[] = [];
    for (let at = seconds(15), before = 0; at <= minutes(60); at += seconds(15)) {
      run.advanceTo(at);
      run.settle();
      counts.push(total(run, "requests") - before);
      before += counts[counts.length - 1];
    }
    return counts.reduce((sum, count) => sum + (count - 1500) ** 2 / 1500, 0) / counts.length;
  };
  // A Poisson count's variance is its mean; two counts that moved together would have twice that.
  for (const release of [0, 12]) expect(Math.abs(dispersion(release) - 1), `release ${release}`).toBeLessThan(0.4);
});

describe("refusals", () => {
  it("are named, with a reason and a way out", () => {
    expect(cohortRefusals(input(shop()))).toEqual([]);
    const effects = [1, 2, 3, 4, 5].map((n) => effect(on, { kind: "errors", ratio: 0.1 }, { id: `e${n}`, users: 0.1 }));
    const [refusal] = cohortRefusals(input(shop(), { effects }));
    expect(refusal.what).toContain("5 effects for a share of users");
    expect(refusal.instead).toContain("--fidelity request");
  });
});
