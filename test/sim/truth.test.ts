// The truth of a release, held against what its defects must do by arithmetic.

import { describe, expect, it } from "vitest";
import { minutes } from "../../src/kernel/units.js";
import type { Scenario } from "../../src/scenario/compiled.js";
import { runScenario } from "../../src/sim/run.js";
import { judgeWindow, truthOf } from "../../src/sim/truth.js";
import { twinFidelity } from "../../src/sim/twins.js";
import { cornerShop, release, SHOP, QUICK } from "./support/corner-shop.js";

const found = (scenario: Scenario) => truthOf(scenario).map(({ truth }) => truth);
const withDefects = (defects: string, more: Partial<Parameters<typeof cornerShop>[0]> = {}) => cornerShop({ script: release(defects), ...more });
const errors = (added: string, more = "") => `{ with: version, on: shop/order, errors: +${added}${more} }`;

describe("one window", () => {
  const of = (a: number, b: number) => judgeWindow({ metric: "error-rate", limit: 0.01 }, a, b, 0, minutes(5)).finding;

  it("is harmful beyond a tenth over the limit, where the other twin keeps the limit", () => {
    expect(of(0.0111, 0.001)).toBe("harmful");
    expect(of(0.0109, 0.001)).toBe("borderline");
    expect(of(0.0111, 0.01)).toBe("harmful");
  });

  it("is harmful when it worsens what was broken by more than that tenth, whatever the height", () => {
    expect(of(0.0512, 0.05)).toBe("harmful");
    expect(of(0.0508, 0.05)).toBe("borderline");
  });

  it("is fine when it does not move the figure, however near or broken", () => {
    expect(of(0.05, 0.05)).toBe("fine");
    expect(of(0.0095, 0.0095)).toBe("fine");
    expect(of(0.05, 0.06)).toBe("fine");
  });

  it("holds conversion to its relative drop against the other twin", () => {
    const drop = (a: number, b: number) => judgeWindow({ metric: "conversion", limit: -0.05 }, a, b, 0, minutes(5)).finding;
    expect(drop(0.3, 0.32)).toBe("harmful");
    expect(drop(0.304, 0.32)).toBe("borderline");
    expect(drop(0.31, 0.32)).toBe("fine");
    expect(drop(0, 0)).toBe("fine");
  });
});

describe("errors", () => {
  it("are harmful when base and defect together break the objective by more than a tenth", () => {
    const [{ truth, evidence, rightAction }] = truthOf(withDefects(errors("2%")));
    const [worst] = evidence.filter(({ finding }) => finding === "harmful");
    expect([truth, rightAction]).toEqual(["harmful", "roll-back"]);
    expect(worst).toMatchObject({ objective: "error-rate", endpoint: "shop/order", segment: "all" });
    expect(worst.withRelease).toBeCloseTo(1 - (1 - SHOP.errors) * 0.98, 5);
    expect(worst.without).toBeCloseTo(SHOP.errors, 6);
    expect(worst.windowTo - worst.windowFrom).toBe(minutes(5));
  });

  it("are borderline within a tenth of it, and harmless well below", () => {
    expect(found(withDefects(errors("0.4%")))).toEqual(["borderline"]);
    expect(found(withDefects(errors("0.2%")))).toEqual(["harmless"]);
    expect(found(withDefects(""))).toEqual(["harmless"]);
  });

  it("of a few users are harmful to them, although everybody together would not notice", () => {
    const [{ truth, evidence }] = truthOf(withDefects(errors("10%", ", users: 3%")));
    expect(truth).toBe("harmful");
    const bySegment = new Map(evidence.filter(({ endpoint }) => endpoint === "shop/order").map((each) => [each.segment, each]));
    expect(bySegment.get("targeted")?.withRelease).toBeCloseTo(1 - (1 - SHOP.errors) * 0.9, 4);
    expect(bySegment.get("rest")?.finding).toBe("fine");
  });

  it("count at the edge: what a retry hides harms nobody", () => {
    const link = "{ with: version, on: shop -> payments, errors: +5% }";
    const call = (retries: string) => ({ calls: `[{ to: payments/charge, timeout: 1s${retries} }]` });
    expect(found(withDefects(link, call("")))).toEqual(["harmful"]);
    expect(found(withDefects(link, call(", retries: { max: 1, backoff: 10ms, budget: 100% }")))).toEqual(["harmless"]);
  });

  it("are found when scrapes do not divide the window, and when they are rarer than it", () => {
    for (const scrape of ["40s", "7m"]) {
      const scenario = withDefects(errors("2%"), { telemetry: `{ scrape: ${scrape}, lag: 0s }`, strategy: QUICK.replace("window: 1m", "window: 10m"), lasts: "40m" });
      expect(found(scenario), scrape).toEqual(["harmful"]);
    }
  });
});

describe("latency and orders", () => {
  it("reads p95 from the fine histogram: twice as slow is twice the p95", () => {
    const [{ truth, evidence }] = truthOf(withDefects("{ with: version, on: shop/order, latency: x2 }", { objectives: "{ p95: 100ms }" }));
    const order = evidence.find(({ endpoint }) => endpoint === "shop/order");
    expect(truth).toBe("harmful");
    expect(Math.abs((order?.withRelease ?? 0) / (2 * SHOP.p95) - 1)).toBeLessThan(0.03);
    expect(Math.abs((order?.without ?? 0) / SHOP.p95 - 1)).toBeLessThan(0.03);
  });

  it("finds lost orders that come without an error", () => {
    const drop = (by: string) => found(withDefects(`{ with: version, on: shop/order, conversion: -${by} }`, { objectives: "{ conversion: -5% }" }));
    expect([drop("30%"), drop("5%"), drop("2%")]).toEqual([["harmful"], ["borderline"], ["harmless"]]);
  });
});

describe("replicas", () => {
  const cold = "warm-up: { for: 10m, factor: x4 }";
  const fullPool = (steps: string) => `{ steps: ${steps}, canary-replicas: 4, gates: {}, triggers: {} }`;
  const scenario = (steps: string) => withDefects("", { objectives: "{ p50: 50ms }", shop: cold, strategy: fullPool(steps), lasts: "40m" });

  it("are given time to warm up: cold ones are nobody's defect, but a rollout that shows them to everybody is the strategy's", () => {
    const [hasty] = truthOf(scenario("[{ weight: 100%, bake: 12m }]"));
    expect(hasty).toMatchObject({ truth: "strategy-harm", rightAction: "none" });
    expect(hasty.evidence.every(({ finding }) => finding === "harmful")).toBe(true);
    expect(found(scenario("[{ weight: 10%, bake: 12m }, { weight: 100%, bake: 3m }]"))).toEqual(["harmless"]);
  });

  it("that never get ready are harmful: held at 100 % nobody answers", () => {
    const [{ truth, rightAction, evidence }] = truthOf(withDefects("{ with: version, on: shop, startup-failure: 100% }"));
    expect([truth, rightAction]).toEqual(["harmful", "roll-back"]);
    expect(evidence[0].withRelease).toBeCloseTo(1, 6);
  });
});

describe("defects that are over before the release is warm", () => {
  const brief = (shop: string) => withDefects("{ with: version, on: shop/order, errors: +50%, when: { to: 2m } }", { shop });

  it("are the release's harm, not that of the manner of its rollout", () => {
    const [{ truth, evidence, rightAction }] = truthOf(brief("warm-up: { for: 10m, factor: x1.01 }"));
    expect([truth, rightAction]).toEqual(["harmful", "roll-back"]);
    expect(evidence.find(({ finding }) => finding === "harmful")?.reason).toContain("without its defects");
  });

  it("leave a cold release harmless where they break nothing themselves", () => {
    const mild = withDefects("{ with: version, on: shop/order, errors: +0.01%, when: { to: 2m } }", { shop: "warm-up: { for: 10m, factor: x4 }", objectives: "{ error-rate: 0.5%, p95: 300ms }" });
    expect(found(mild)).toEqual(["harmless"]);
  });
});

describe("a release near the end of the run", () => {
  const shop = "warm-up: { for: 1m, factor: x2 }";
  const late = (defects: string, at: string, lasts = "20m") => cornerShop({ script: release(defects, "", { at }), shop, lasts });

  it("is judged by the last windows where its replicas would be warm too late for a whole one", () => {
    const [{ truth, evidence, rightAction }] = truthOf(late(errors("50%"), "14m"));
    const worst = evidence.find(({ finding }) => finding === "harmful");
    expect([truth, rightAction, worst?.windowTo]).toEqual(["harmful", "roll-back", minutes(19.5)]);
    expect(worst?.reason).toContain("without its defects");
    expect(found(late("", "14m"))).toEqual(["harmless"]);
  });

  it("is not blamed for replicas that are still cold then, and not excused by them", () => {
    const cold = (defects: string) => withDefects(defects, { objectives: "{ p50: 50ms }", shop: "warm-up: { for: 10m, factor: x4 }", strategy: "{ steps: [{ weight: 10%, bake: 12m }, { weight: 100%, bake: 3m }], canary-replicas: 4, gates: {}, triggers: {} }", lasts: "8m" });
    expect(found(cold(""))).toEqual(["harmless"]);
    expect(found(cold("{ with: version, on: shop/order, latency: x2 }"))).toEqual(["harmful"]);
  });

  it("that never gets ready in a short run has all traffic in time to be judged", () => {
    expect(found(late("{ with: version, on: shop, startup-failure: 100% }", "1m", "15m"))).toEqual(["harmful"]);
    expect(found(late("{ with: version, on: shop, startup-failure: 100% }", "1m", "10m"))).toEqual(["harmful"]);
  });

  it("is held against twins of one fidelity, where cohort can follow the world without its defects and not the one with them", () => {
    const busy = (defects: string) => cornerShop({
      script: release(defects, "", { at: "8m" }), shop, lasts: "12m", rate: "60rps", calls: "[{ to: orders-db, timeout: 1s }]", databases: "{ orders-db: { p50: 5ms, p95: 10ms, pool: 4, wait: 1s } }",
    });
    const scenario = busy("{ with: version, on: orders-db, latency: x20 }, { with: version, on: shop/view, errors: 5% }");
    expect([twinFidelity(scenario), twinFidelity(busy(""))]).toEqual(["request", "cohort"]);
    const [{ truth, evidence }] = truthOf(scenario);
    const view = evidence.find(({ endpoint }) => endpoint === "shop/view");
    expect(truth).toBe("harmful");
    expect(view?.reason).toContain("without its defects");
    // Played twenty times and counted: expected values would be 0.1 % to the last digit.
    expect(view?.without).toBeCloseTo(0.001, 3);
    expect(view?.without).not.toBeCloseTo(0.001, 9);
  });

  it("is called nothing where no window is left: neither harmless, nor scored", () => {
    const scenario = late(errors("50%"), "16m");
    expect(truthOf(scenario)).toEqual([{ truth: "unjudged", evidence: [], rightAction: "none" }]);
    const [outcome] = runScenario(scenario, { detail: "light" }).releases;
    expect(outcome).toMatchObject({ classification: "unscored", unscoredWhy: "unjudged", tookRightAction: null });
    expect(outcome.verdict).toContain("a longer `for`");
  });

  it("is harmless at any time where nothing is promised", () => {
    expect(found(cornerShop({ script: release(errors("50%"), "", { at: "16m" }), lasts: "20m", objectives: "{}" }))).toEqual(["harmless"]);
  });
});

describe("the right action", () => {
  const flag = ", flag: { name: new, endpoints: [shop/order] }";

  it("is the flag where that is enough, and the rollback where it is not", () => {
    const behind = cornerShop({ script: release("{ with: flag, on: shop/order, errors: +5% }", flag) });
    const beside = cornerShop({ script: release("{ with: version, on: shop/order, errors: +5% }", flag) });
    expect([truthOf(behind)[0].rightAction, truthOf(beside)[0].rightAction]).toEqual(["disable-flag", "roll-back"]);
  });
});

describe("two releases", () => {
  const both = (first: string, second: string) =>
    cornerShop({
      script: `${release(errors(first))}\n${release(`{ with: version, on: payments/charge, errors: +${second} }`, "", { service: "payments", version: "p2", at: "3m" })}`,
      calls: "[{ to: payments/charge, timeout: 1s }]",
    });

  it("that are harmful only together are charged to the later one", () => {
    expect(found(both("0.3%", "0.3%"))).toEqual(["harmless", "interaction"]);
  });

  it("are each judged by themselves when one of them is enough", () => {
    expect(found(both("2%", "0.05%"))).toEqual(["harmful", "harmless"]);
    expect(found(both("0.05%", "2%"))).toEqual(["harmless", "harmful"]);
  });
});

describe("the twins", () => {
  const scenario = withDefects(errors("2%"));
  const [truth] = truthOf(scenario);

  it("are shared by every strategy, seed and cost", () => {
    const other: Scenario = { ...scenario, seed: 99, strategy: { ...scenario.strategy, every: minutes(1) }, cost: { ...scenario.cost, page: 1 } };
    expect(truthOf(other)[0].evidence).toBe(truth.evidence);
  });

  it("are not shared with other objectives", () => {
    const lenient: Scenario = { ...scenario, objectives: [{ metric: "error-rate", limit: 0.5 }] };
    expect(truthOf(lenient)[0].truth).toBe("harmless");
    expect(truthOf(scenario)[0].truth).toBe("harmful");
  });

  it("are the mean of request runs where cohort cannot follow", () => {
    const link = "{ with: version, on: shop -> payments, errors: +20%, when: { rps-above: 0.1rps } }";
    const refused = withDefects(link, { calls: "[{ to: payments/charge, timeout: 1s }]", rate: "4rps", lasts: "12m" });
    expect(twinFidelity(refused)).toBe("request");
    const [{ truth: verdict, evidence }] = truthOf(refused);
    const order = evidence.find(({ endpoint }) => endpoint === "shop/order");
    expect(verdict).toBe("harmful");
    expect(Math.abs((order?.withRelease ?? 0) - 0.2)).toBeLessThan(0.02);
  });
});
