// What a name in a rule stands for where several services run versions of that name.

import { describe, expect, it } from "vitest";
import { loadScenario } from "../../src/scenario/load.js";
import { runScenario } from "../../src/sim/run.js";
import { memoryFiles } from "./fixtures.js";

const service = (version: string): string => `{ ${version}replicas: 3, endpoints: { get: { p50: 10ms, p95: 20ms } } }`;

function loadWith(rules: readonly string[], script = "{ at: 1m, release: { service: checkout, version: v2 } }") {
  return loadScenario("/p/x.yaml", memoryFiles({ "/p/x.yaml": `shakedown: 1
kind: scenario
for: 8m
world:
  services:
    checkout: ${service("")}
    cart: ${service("")}
    payments: ${service("version: pay-1, ")}
    search: ${service("version: v2, ")}
  traffic: [{ enters: checkout, rate: 20rps }, { enters: search, rate: 60rps }, { enters: payments, rate: 10rps }]
strategy: { steps: [{ weight: 20%, bake: 2m }, { weight: 100%, bake: 1m }], gates: {}, triggers: {} }
script: [${script}]
expect:
${rules.map((rule) => `  - ${rule}`).join("\n")}
` }));
}

const BOTH = "{ at: 1m, release: { service: checkout, version: v3 } }, { at: 1m, release: { service: cart, version: v4 } }";

function meant(rule: string): unknown {
  const loaded = loadWith([`{ never: "${rule}" }`]);
  if (!loaded.ok) return loaded.problems.map(({ message }) => message);
  const [expectation] = loaded.value.expectations;
  return expectation.kind === "rule" ? expectation.claim.subject : null;
}

describe("a name in a rule", () => {
  it("is the release of that name, whoever else runs such a version", () => {
    expect(meant("rps(v2) > 50rps")).toEqual({ service: "checkout", version: "v2" });
  });

  it("is a service as a whole, and so is the only version of a service without a release", () => {
    expect(meant("replicas(cart) < 3")).toEqual({ service: "cart", version: null });
    expect(meant("replicas(pay-1) < 3")).toEqual({ service: "payments", version: null });
  });

  it("is the version of the one service that gets a release, for what is told of no other", () => {
    expect(meant("weight(v1) > 100%")).toEqual({ service: "checkout", version: "v1" });
    expect(meant("seen.error-rate(v1) > 5%")).toEqual({ service: "checkout", version: "v1" });
    expect(meant("error-rate(v1) > 5%")).toEqual(["several services run a version `v1`"]);
  });

  it("is refused where several of those that run it get one", () => {
    const loaded = loadWith(['{ never: "weight(v1) > 100%" }'], BOTH);
    expect(loaded.ok ? [] : loaded.problems.map(({ message }) => message)).toEqual(["several services run a version `v1`"]);
  });

  it("is judged by that service and version alone", () => {
    const loaded = loadWith(['{ always: "replicas(pay-1) == 3" }', '{ never: "rps(v2) > 30rps" }', '{ never: "seen.error-rate(pay-1) > 50%" }']);
    if (!loaded.ok) throw new Error(loaded.problems[0].message);
    const { expectations } = runScenario(loaded.value, { detail: "light" });
    expect(expectations.map(({ passed, reason }) => [passed, reason.replace(/\d+/, "N")])).toEqual([
      [true, "so in all N looks"], [true, "never so in N looks"], [true, "never so in N looks"],
    ]);
    expect(expectations[2].reason).not.toContain("in 0 looks");
  });
});
