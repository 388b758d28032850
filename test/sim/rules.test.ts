// never, always and eventually-within: looked at after every scrape, with a reason either way.

import { describe, expect, it } from "vitest";
import { minutes, seconds } from "../../src/kernel/units.js";
import type { Expectation, RuleComparison } from "../../src/scenario/compiled.js";
import { judgeRule } from "../../src/sim/rules.js";
import { runScenario } from "../../src/sim/run.js";
import { cornerShop, release } from "./support/corner-shop.js";
import { closedAtScrapes, INTERVAL, recordingOf, SCRAPED_AT } from "./support/recording.js";

type Rule = Expectation & { readonly kind: "rule" };

const compare = (series: RuleComparison["series"], op: RuleComparison["op"], value: number, seen = false): RuleComparison => ({
  series, op, value, seen, of: "v2", subject: { service: "checkout", version: "v2" },
});
const rule = (temporal: Rule["temporal"], claim: RuleComparison, condition: RuleComparison | null = null, within: number | null = null): Rule => ({
  kind: "rule", temporal, claim, while: condition, within, text: "", source: { file: "x.yaml", line: 1, column: 1 },
});

const tooMuch = compare("weight", ">", 0.25);
const failing = compare("error-rate", ">", 0.05);

describe("never", () => {
  it("fails at the first row where the claim and its condition hold together, and says when and by how much", () => {
    const recording = recordingOf([
      { weight: 0.5, requests: 100, errors: 1 },
      { weight: 0.25, requests: 100, errors: 20 },
      { weight: 0.5, requests: 100, errors: 10 },
    ]);
    const finding = judgeRule(rule("never", tooMuch, failing), recording);
    expect(finding).toEqual({ passed: false, reason: "at +00:00:45 weight(v2) was 50% while error-rate(v2) was 10%" });
  });

  it("passes when they never meet, and says how often it looked", () => {
    const recording = recordingOf([{ weight: 0.5, requests: 100, errors: 1 }, { weight: 0.05, requests: 100, errors: 20 }]);
    expect(judgeRule(rule("never", tooMuch, failing), recording)).toEqual({ passed: true, reason: "never so in 1 look while the condition held" });
  });

  it("takes an interval without a request for nothing to measure, not for zero errors", () => {
    const idle = recordingOf([{ weight: 0.5, requests: 0, errors: 0 }]);
    expect(judgeRule(rule("never", compare("error-rate", "<", 0.01)), idle).passed).toBe(true);
  });
});

describe("always", () => {
  it("fails at the first row that breaks it", () => {
    const recording = recordingOf([{ weight: 0.05, requests: 100, errors: 0 }, { weight: 0.5, requests: 100, errors: 0 }]);
    const finding = judgeRule(rule("always", compare("weight", "<=", 0.25)), recording);
    expect(finding).toEqual({ passed: false, reason: "at +00:00:30 weight(v2) was 50%" });
  });

  it("fails when there was nothing to look at: a claim about no traffic is no comfort", () => {
    const idle = recordingOf([{ weight: 0.05, requests: 0, errors: 0 }]);
    expect(judgeRule(rule("always", compare("error-rate", "<", 0.01)), idle).passed).toBe(false);
  });

  it("reads p95 from the truth's own histogram", () => {
    const recording = recordingOf([{ weight: 0.05, requests: 100, errors: 0, latencySeconds: 0.3 }]);
    expect(judgeRule(rule("always", compare("p95", "<", 0.4)), recording).passed).toBe(true);
    expect(judgeRule(rule("always", compare("p95", "<", 0.2)), recording).passed).toBe(false);
  });

  it("reads what telemetry showed when asked for seen", () => {
    const recording = recordingOf([{ weight: 0.05, requests: 100, errors: 50, seenErrorRate: 0.001 }]);
    expect(judgeRule(rule("always", compare("error-rate", "<", 0.01, true)), recording).passed).toBe(true);
    expect(judgeRule(rule("always", compare("error-rate", "<", 0.01)), recording).passed).toBe(false);
  });

  it("says of a figure that telemetry showed that it is one: the truth may be another", () => {
    const recording = recordingOf([{ weight: 0.05, requests: 100, errors: 0, seenErrorRate: 0.5 }]);
    expect(judgeRule(rule("always", compare("error-rate", "<", 0.3, true)), recording).reason).toMatch(/seen\.error-rate\(v2\) was 50%$/);
    expect(judgeRule(rule("never", compare("weight", "<", 0.1), compare("error-rate", ">", 0.3, true)), recording).reason).toMatch(/ weight\(v2\) was 5% while seen\.error-rate\(v2\) was 50%$/);
  });
});

describe("a rule over rps", () => {
  it("sees steady traffic as steady at both ends of a run whose books are closed at scrapes", () => {
    const rate = 10;
    const counts = [SCRAPED_AT, INTERVAL, INTERVAL, seconds(5) + INTERVAL - SCRAPED_AT].map((span) => ({ weight: 1, requests: (rate * span) / seconds(1), errors: 0 }));
    const recording = closedAtScrapes(recordingOf(counts, seconds(5)));
    expect(judgeRule(rule("always", compare("rps", ">", 9.9)), recording)).toEqual({ passed: true, reason: "so in all 4 looks" });
    expect(judgeRule(rule("never", compare("rps", ">", 10.1)), recording).passed).toBe(true);
  });
});

describe("a rule over conversion", () => {
  it("counts orders where clients come in: that is where they are written down", () => {
    const recording = recordingOf([{ weight: 0.5, requests: 100, errors: 0, orders: 40 }]);
    expect(judgeRule(rule("always", compare("conversion", "==", 0.4)), recording).passed).toBe(true);
  });

  it("holds in a run of the shop, as its world has it", () => {
    const scenario = cornerShop({ script: release(), lasts: "8m", more: 'expect:\n  - { always: "conversion(shop) > 10%" }\n  - { never: "conversion(v2) < 5%" }' });
    expect(runScenario(scenario, { detail: "light" }).expectations.map(({ passed, reason }) => [passed, reason])).toEqual([
      [true, expect.stringMatching(/^so in all/)], [true, expect.stringMatching(/^never so in [1-9]/)],
    ]);
  });
});

describe("eventually-within", () => {
  const back = compare("weight", "==", 0);

  it("counts from the moment its condition first holds", () => {
    const recording = recordingOf([
      { weight: 0.25, requests: 100, errors: 0 },
      { weight: 0.25, requests: 100, errors: 20 },
      { weight: 0.25, requests: 100, errors: 20 },
      { weight: 0, requests: 0, errors: 0 },
    ]);
    expect(judgeRule(rule("eventually-within", back, failing, minutes(1)), recording)).toEqual({ passed: true, reason: "so after 30s (limit 1m)" });
    expect(judgeRule(rule("eventually-within", back, failing, seconds(15)), recording).passed).toBe(false);
  });
});

describe("a rule about a service", () => {
  const of = (series: RuleComparison["series"], op: RuleComparison["op"], value: number, seen = false): RuleComparison => ({ ...compare(series, op, value, seen), of: "checkout", subject: { service: "checkout", version: null } });
  const recording = recordingOf([{ weight: 0.5, requests: 100, errors: 10, seenErrorRate: 0.2 }]);

  it("looks at all its versions together", () => {
    expect(judgeRule(rule("always", of("replicas", "==", 7)), recording).passed).toBe(true);
    expect(judgeRule(rule("always", of("error-rate", "==", 0.1)), recording).passed).toBe(true);
  });

  it("reads what telemetry showed of the service, and is not silent for want of a version of that name", () => {
    expect(judgeRule(rule("never", of("error-rate", ">", 0.05, true)), recording).passed).toBe(false);
  });
});
