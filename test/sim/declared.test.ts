// Engines see a release as its team declares it: two releases that differ in their defects alone look the same to them.

import { afterEach, describe, expect, it, vi } from "vitest";
import type { CanaryOptions } from "../../src/delivery/canary.js";
import type { TelemetryQuery, WindowSnapshot } from "../../src/telemetry/query.js";
import { simulate } from "../../src/sim/simulate.js";
import { cornerShop, release } from "./support/corner-shop.js";

const handed = vi.hoisted((): { options: unknown[] } => ({ options: [] }));
vi.mock("../../src/delivery/canary.js", async (original) => {
  const real: { createCanary: (options: unknown) => { start(): void } } = await original();
  return { ...real, createCanary: (options: unknown) => { handed.options.push(options); return real.createCanary(options); } };
});
afterEach(() => void (handed.options = []));

const FLAG = ", flag: { name: new, endpoints: [shop/order] }";
const DEFECTS = [
  "{ with: version, on: shop/order, errors: +30%, users: 10% }",
  "{ with: flag, on: shop/order, latency: x4, when: { rps-above: 0.1rps } }",
  "{ with: version, on: shop, memory: +50MB/min }",
  "{ with: version, on: shop/order, conversion: -40% }",
  "{ with: version, on: shop -> payments, outage: true }",
].join(", ");

/** What createCanary is handed in a run, and what telemetry answers it before the first request meets the release. */
function seenByEngines(defects: string, fidelity: "cohort" | "request") {
  const scenario = cornerShop({ script: release(defects, FLAG), lasts: "4m", calls: "[{ to: payments/charge, timeout: 1s }]" });
  simulate({ scenario, seed: 5, fidelity, noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } });
  const [options] = handed.options.splice(0) as [CanaryOptions];
  return options;
}

/** Everything in it that is data; of what is not, its names. */
function dataOf({ ports, observer, nextDecisionId, ...data }: CanaryOptions): unknown {
  const names = (object: object): string[] => Object.keys(object).sort();
  const { service } = data.release;
  return { ...data, stable: ports.platform.stable(service), ports: names(ports), observer: names(observer), counts: typeof nextDecisionId };
}

describe.each(["cohort", "request"] as const)("what a delivery is handed, in %s", (fidelity) => {
  const healthy = seenByEngines("", fidelity);
  const broken = seenByEngines(DEFECTS, fidelity);

  it("is equal, field by field, whatever the defects", () => {
    expect(dataOf(broken)).toEqual(dataOf(healthy));
    expect(Object.keys(broken).sort()).toEqual(["databases", "nextDecisionId", "observer", "ports", "release", "strategy", "timing"]);
  });

  it("names no defect anywhere", () => {
    const text = JSON.stringify(dataOf(broken));
    for (const word of ["defect", "errors: +", "conversion: -", "memory-growth", "outage"]) expect(text).not.toContain(word);
  });
});

describe("what telemetry answers before the release has traffic", () => {
  it("is the same too: the defects are in no answer, and in no series that has a name", () => {
    // A defect for some users only makes cohort draw class by class: other draws of the same law.
    const answers = ["", DEFECTS.replace(", users: 10%", "")].map((defects) => {
      const scenario = cornerShop({ script: release(defects, FLAG, { at: "170s" }), lasts: "3m", calls: "[{ to: payments/charge, timeout: 1s }]" });
      const { world } = simulate({ scenario, seed: 5, fidelity: "cohort", noiseFree: false, detail: "light", seen: false, driver: { kind: "strategy" } });
      const window = 60e6;
      const queries: TelemetryQuery[] = ["shop", "payments"].flatMap((service): TelemetryQuery[] => [
        { fn: "increase", metric: "http_requests_total", where: { service }, window },
        { fn: "increase", metric: "http_requests_total", where: { service, code: "5xx" }, window },
        { fn: "quantile", metric: "http_request_duration_seconds", q: 0.95, where: { service }, window },
      ]);
      return queries.map((query): WindowSnapshot["answers"][number] => world.telemetry.query(query, 165e6));
    });
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0].some(({ kind }) => kind === "value")).toBe(true);
  });
});
