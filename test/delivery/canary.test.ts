// The canary's statechart, behaviour by behaviour, on scripted ports.

import { describe, expect, it } from "vitest";
import { minutes, seconds, type Micros } from "../../src/kernel/units.js";
import { HARD_TRIGGERS } from "../../src/engines/health/presets.js";
import { CANARY_STATES } from "../../src/delivery/states.js";
import type { PlatformCommand } from "../../src/delivery/platform.js";
import { deliver, fakeWorld, gate, RELEASE, STRATEGY, trigger, type FakeWorld, type Look } from "./fake-ports.js";

/** A world whose canary looks like this from `from` on. */
function canaryLooks(look: Partial<Look> | null, from: Micros = 0): FakeWorld {
  const world = fakeWorld();
  world.look = (version, at) => (version === "v2" && at >= from ? look : {});
  return world;
}

const BAD: Partial<Look> = { errorRate: 0.04, featureErrorRate: 0.04 };
const commandsOf = (world: FakeWorld, kind: PlatformCommand["kind"]) => world.commands.filter(({ command }) => command.kind === kind);
const onlyGates = { triggers: [] };

describe("a healthy release", () => {
  it("is promoted 5 -> 25 -> 100 % and marked stable when every gate passes", () => {
    const delivery = deliver();
    delivery.run(minutes(70));
    expect(delivery.weights()).toEqual([0.05, 0.25, 1]);
    expect(delivery.acts()).toEqual(["promote", "promote", "finish"]);
    expect(delivery.decisions.every((decision) => decision.rule === "schedule")).toBe(true);
    expect(delivery.decisions[0].reason).toBe("Both gates pass after 15 minutes of step 1 of 3 (5%), so checkout v2 goes on to 25%.");
    expect(delivery.world.commands.at(-1)?.command.kind).toBe("mark-stable");
    expect(delivery.results).toEqual([expect.objectContaining({ kind: "promoted", by: "engine", afterFullExposure: true })]);
    expect(delivery.actor.done).toBe(true);
  });

  it("bakes every step for exactly its time after the split is set", () => {
    const delivery = deliver();
    delivery.run(minutes(70));
    const promotions = delivery.decisions.map(({ at }) => at);
    const baking = delivery.states.filter(({ state }) => state === "step.baking" || state === "step.watching").map(({ at }) => at);
    expect(promotions.map((at, i) => at - baking[i])).toEqual([minutes(15), minutes(30), minutes(10)]);
  });

  it("has the replicas that a weight needs before it gets the traffic", () => {
    const delivery = deliver();
    delivery.run(minutes(70));
    const said = delivery.world.commands.map(({ command }) =>
      command.kind === "deploy" || command.kind === "scale" ? `${command.kind} ${command.replicas}` : command.kind === "set-weight" ? `weight ${command.weight}` : command.kind,
    );
    expect(said).toEqual(["deploy 1", "weight 0.05", "scale 2", "weight 0.25", "scale 8", "weight 1", "mark-stable"]);
  });

  it.each([["grown", 12, 12], ["shrunk", 4, 8]])("has what stable runs by then when an autoscaler has %s it meanwhile, and never less than at the start", (_, now, full) => {
    const world = fakeWorld();
    const delivery = deliver({ world });
    delivery.run(minutes(30));
    world.stableReplicas = now;
    delivery.run(minutes(70));
    expect(commandsOf(world, "scale").map(({ command }) => command.kind === "scale" && command.replicas)).toEqual([2, full]);
    expect(delivery.results.map(({ kind }) => kind)).toEqual(["promoted"]);
  });

  it("says which gates passed, and which had nothing to say and need not", () => {
    const world = fakeWorld();
    world.override = (query) => (query.metric === "conversions_total" || query.where.code === "2xx" ? { kind: "absent", why: "no series" } : undefined);
    const optional = gate("conversion", { kind: "drops", ratio: 0.2 }, { required: false });
    const reasonOf = (gates: typeof STRATEGY.gates): string => {
      const delivery = deliver({ world: { ...world, clock: fakeWorld().clock, commands: [] }, strategy: { gates } });
      delivery.run(minutes(20));
      return delivery.decisions[0].reason;
    };
    expect(reasonOf([STRATEGY.gates[0], optional])).toBe("1 of 2 gates passes (conversion lacks data and is not required) after 15 minutes of step 1 of 3 (5%), so checkout v2 goes on to 25%.");
    expect(reasonOf([optional])).toMatch(/^No gate fails \(conversion lacks data and is not required\) after 15 minutes/);
  });

  it("passes through the states that the report draws, with the step in their label", () => {
    const delivery = deliver();
    delivery.run(minutes(70));
    expect(delivery.states.map(({ state }) => state)).toEqual([
      "deploying", "step.shifting", "step.baking", "step.scaling", "step.shifting", "step.baking",
      "step.scaling", "step.shifting", "step.watching", "marking-stable", "promoted",
    ]);
    expect(delivery.states[5].label).toBe("step 2 of 3 (25%), baking");
    const known = new Set(CANARY_STATES.map(({ state }) => state));
    expect(delivery.states.every(({ state }) => known.has(state))).toBe(true);
  });

  it("is promoted on schedule when nothing is checked at all", () => {
    const delivery = deliver({ strategy: { gates: [], triggers: [] } });
    delivery.run(minutes(70));
    expect(delivery.results.map(({ kind }) => kind)).toEqual(["promoted"]);
  });
});

describe("a trigger", () => {
  it("rolls back when the error rate stays above 1 % for 3 of 5 checks", () => {
    const delivery = deliver({ world: canaryLooks(BAD) });
    delivery.run(minutes(70));
    expect(delivery.acts()).toEqual(["roll-back"]);
    const [decision] = delivery.decisions;
    expect(decision).toMatchObject({ id: 1, rule: "trigger", decidingCheck: "trigger error-rate", state: "step 1 of 3 (5%), baking", weight: 0.05, by: "engine" });
    expect(decision.reason).toBe(
      "Error rate of checkout v2 was 4% over 600 requests in the last 2 minutes, above 1%, in 3 of 5 checks; no flag can switch it off, so the whole release is rolled back.",
    );
    // Split set at 20 s, seen from 40 s, window full at 2:40: 3:00, 3:30 and 4:00 breach, answered half a second later.
    expect(decision.at).toBe(minutes(4) + seconds(0.5));
    expect(delivery.results).toEqual([expect.objectContaining({ kind: "rolled-back", by: "engine", afterFullExposure: false })]);
    expect(delivery.actor.state).toBe("rolled-back");
  });

  it("does not roll back on two breaches", () => {
    const world = fakeWorld();
    world.look = (version, at) => (version === "v2" && at >= minutes(5) && at < minutes(6) ? BAD : {});
    const delivery = deliver({ world });
    delivery.run(minutes(70));
    expect(delivery.results.map(({ kind }) => kind)).toEqual(["promoted"]);
  });

  /** Until when a delivery must run to stand in a state, and how to bring it there. */
  const situations: readonly [string, () => { delivery: ReturnType<typeof deliver>; bad: (on: boolean) => void }, Micros][] = [
    ["step.shifting", () => prepared({ silent: "set-weight", nth: 2 }), minutes(16)],
    ["step.scaling", () => prepared({ silent: "scale", nth: 1 }), minutes(16)],
    ["step.baking", () => prepared({}), minutes(10)],
    ["step.holding", () => prepared({ thin: true }), minutes(20)],
    ["asking", () => prepared({ thin: true }), minutes(35)],
    ["step.watching", () => prepared({}), minutes(50)],
    ["held", () => prepared({ thin: true, answer: "hold" }), minutes(35)],
    ["marking-stable", () => prepared({ silent: "mark-stable", nth: 1 }), minutes(57)],
  ];

  function prepared(options: { silent?: PlatformCommand["kind"]; nth?: number; thin?: boolean; answer?: "hold" }) {
    const world = fakeWorld();
    let isBad = false;
    world.look = (version) => (version === "v2" && isBad ? BAD : {});
    world.outcome = (command, nth) => (command.kind === options.silent && nth >= (options.nth ?? 1) ? "silent" : "done");
    // A required gate without data holds the step, while the triggers see everything.
    const strategy = options.thin === true ? { gates: [gate("conversion", { kind: "drops", ratio: 0.2 }, { baseline: "past" })] } : {};
    if (options.thin === true) world.override = (query) => (query.metric === "conversions_total" || query.where.code === "2xx" ? { kind: "absent", why: "no series" } : undefined);
    const delivery = deliver({ world, strategy });
    if (options.answer !== undefined) {
      delivery.run(minutes(32));
      delivery.actor.answer(options.answer);
    }
    return { delivery, bad: (on: boolean) => (isBad = on) };
  }

  it.each(situations)("acts in %s as soon as its `for` is met", (state, prepare, until) => {
    const { delivery, bad } = prepare();
    delivery.run(until);
    expect(delivery.actor.state).toBe(state);
    bad(true);
    delivery.run(until + seconds(95));
    expect(delivery.decisions.at(-1)).toMatchObject({ rule: "trigger", actions: ["roll-back"] });
    expect(commandsOf(delivery.world, "roll-back")).toHaveLength(1);
  });

  it("acts while nothing has traffic yet, when replicas do not start", () => {
    const world = canaryLooks({ startupFailures: 3 });
    world.outcome = (command) => (command.kind === "deploy" ? "silent" : "done");
    const delivery = deliver({ world, strategy: { triggers: HARD_TRIGGERS } });
    delivery.run(minutes(2));
    expect(delivery.decisions[0]).toMatchObject({ rule: "hard-trigger", decidingCheck: "hard trigger several startup failures", actions: ["roll-back"], weight: 0 });
    expect(delivery.results.map(({ kind }) => kind)).toEqual(["rolled-back"]);
  });

  it("starts one plan, however often it fires again", () => {
    const world = canaryLooks(BAD);
    world.outcome = (command) => (command.kind === "roll-back" ? "silent" : "done");
    const delivery = deliver({ world });
    delivery.run(minutes(8));
    expect(delivery.decisions).toHaveLength(1);
    expect(commandsOf(world, "roll-back")).toHaveLength(1);
  });
});

describe("a failing gate", () => {
  it("holds the step, and rolls back when it still fails after the longest hold", () => {
    const delivery = deliver({ world: canaryLooks(BAD), strategy: onlyGates });
    delivery.run(minutes(45));
    expect(delivery.acts()).toEqual(["hold", "roll-back"]);
    expect(delivery.decisions.map(({ rule }) => rule)).toEqual(["gate", "gate"]);
    expect(delivery.decisions[1].at - delivery.decisions[0].at).toBe(minutes(15));
    expect(delivery.decisions[1].reason).toMatch(/not below 1%; after holding step 1 of 3 \(5%\) for 15 minutes the release is rolled back\.$/);
  });

  it("lets the step go on as soon as it passes", () => {
    const world = fakeWorld();
    world.look = (version, at) => (version === "v2" && at < minutes(20) ? BAD : {});
    const delivery = deliver({ world, strategy: onlyGates });
    delivery.run(minutes(22));
    expect(delivery.acts()).toEqual(["hold", "promote"]);
    expect(delivery.decisions[1].at).toBeGreaterThan(minutes(20));
    expect(delivery.decisions[1].reason).toBe("Both gates pass now, step 1 of 3 (5%) was held until they did, so checkout v2 goes on to 25%.");
  });

  it("rolls back at once where the strategy says so", () => {
    const delivery = deliver({ world: canaryLooks(BAD), strategy: { ...onlyGates, onGateFail: "roll-back" } });
    delivery.run(minutes(45));
    expect(delivery.acts()).toEqual(["roll-back"]);
    expect(delivery.decisions[0]).toMatchObject({ rule: "gate", decidingCheck: "gate error-rate" });
    expect(delivery.decisions[0].at).toBeLessThan(minutes(4));
  });
});

describe("thin and missing data", () => {
  it("holds, then asks, when data is thin", () => {
    const delivery = deliver({ world: canaryLooks({ rps: 1 }) });
    delivery.run(minutes(32));
    expect(delivery.acts()).toEqual(["hold", "page+ask"]);
    expect(delivery.decisions.map(({ rule }) => rule)).toEqual(["thin-data", "thin-data"]);
    expect(delivery.decisions[0].reason).toContain("fewer than 50 requests");
    expect(delivery.pages).toEqual([expect.objectContaining({ asks: true })]);
    expect(delivery.actor.state).toBe("asking");
  });

  it("never promotes while a required metric is missing, whatever the policy", () => {
    for (const onInconclusive of ["hold", "ask", "roll-back", "promote"] as const) {
      const steps = STRATEGY.steps.map((step) => ({ ...step, onInconclusive }));
      const delivery = deliver({ world: canaryLooks(null), strategy: { steps, onNoAnswer: "promote" } });
      delivery.run(minutes(120));
      expect(delivery.acts()).not.toContain("promote");
      expect(delivery.weights()).toEqual([0.05]);
      expect(delivery.results.at(-1)?.kind).toBe(onInconclusive === "roll-back" ? "rolled-back" : "held");
    }
  });

  it("says why silence does not promote then, although the policy is to promote", () => {
    const steps = STRATEGY.steps.map((step) => ({ ...step, onInconclusive: "ask" as const }));
    const delivery = deliver({ world: canaryLooks(null), strategy: { steps, onNoAnswer: "promote" } });
    delivery.run(minutes(120));
    expect(delivery.decisions.at(-1)?.reason).toBe("Nobody answered within 15 minutes; the policy is to promote then, but a required gate has no data, so the release stays where it is.");
  });

  it("promotes on thin data only where the policy says so, after the longest hold", () => {
    const steps = STRATEGY.steps.map((step) => ({ ...step, onInconclusive: "promote" as const }));
    const delivery = deliver({ world: canaryLooks({ rps: 1 }), strategy: { steps } });
    delivery.run(minutes(31));
    expect(delivery.acts()).toEqual(["hold", "promote"]);
    expect(delivery.decisions[1]).toMatchObject({ rule: "thin-data", decidingCheck: "gate error-rate" });
  });

  it("holds and asks when telemetry never answers", () => {
    const world = fakeWorld();
    const delivery = deliver({ world, telemetryDelay: minutes(10_000) });
    delivery.run(minutes(32));
    expect(delivery.acts()).toEqual(["hold", "page+ask"]);
    expect(delivery.decisions[0]).toMatchObject({ rule: "missing-data", decidingCheck: null, checks: [] });
  });

  it("does not promote on an evaluation from before the last shift", () => {
    const world = fakeWorld();
    const steps = STRATEGY.steps.map((step) => ({ ...step, bake: seconds(20) }));
    const delivery = deliver({ world, strategy: { steps } });
    delivery.run(minutes(30));
    const shifts = delivery.states.filter(({ state }) => state === "step.baking").map(({ at }) => at);
    const promotions = delivery.decisions.filter(({ actions }) => actions[0] === "promote").map(({ at }) => at);
    for (const [i, at] of promotions.entries()) expect(at - shifts[i]).toBeGreaterThan(minutes(2));
  });
});

describe("a person who is asked", () => {
  const asked = (strategy: Parameters<typeof deliver>[0] = {}) => {
    const delivery = deliver({ world: canaryLooks({ rps: 1 }), ...strategy });
    delivery.run(minutes(32));
    return delivery;
  };

  it("may promote", () => {
    const delivery = asked();
    delivery.actor.answer("promote");
    delivery.run(minutes(34));
    expect(delivery.weights()).toEqual([0.05, 0.25]);
    expect(delivery.decisions.at(-1)).toMatchObject({ rule: "answer", by: "person", actions: ["promote"] });
  });

  it("may roll back", () => {
    const delivery = asked();
    delivery.actor.answer("roll-back");
    delivery.run(minutes(34));
    expect(delivery.results).toEqual([expect.objectContaining({ kind: "rolled-back", by: "person" })]);
  });

  it("may hold, and a later answer still counts", () => {
    const delivery = asked();
    delivery.actor.answer("hold");
    delivery.run(minutes(60));
    expect(delivery.results).toEqual([expect.objectContaining({ kind: "held", by: "person" })]);
    expect(delivery.actor.state).toBe("held");
    delivery.actor.answer("roll-back");
    delivery.run(minutes(62));
    expect(delivery.results.at(-1)?.kind).toBe("rolled-back");
  });

  it.each([["roll-back", "rolled-back"], ["hold", "held"]] as const)("who does not answer in time means %s", (onNoAnswer, kind) => {
    const delivery = asked({ strategy: { onNoAnswer } });
    delivery.run(minutes(48));
    expect(delivery.decisions.at(-1)).toMatchObject({ rule: "no-answer", by: "engine" });
    expect(delivery.decisions.at(-1)?.reason).toContain("Nobody answered within 15 minutes, so the release");
    expect(delivery.results.at(-1)?.kind).toBe(kind);
  });

  it("is not heard when nothing was asked", () => {
    const delivery = deliver();
    delivery.run(minutes(5));
    delivery.actor.answer("roll-back");
    delivery.run(minutes(6));
    expect(delivery.actor.state).toBe("step.baking");
    expect(delivery.decisions).toEqual([]);
  });
});

it("is not disturbed by trouble that stable shares", () => {
  const world = fakeWorld();
  world.look = () => ({ p95: 0.45 });
  const delivery = deliver({ world, release: RELEASE, strategy: { triggers: [trigger("p95", { kind: "times-baseline", factor: 1.5 }, { baseline: "stable" })] } });
  delivery.run(minutes(70));
  expect(delivery.results.map(({ kind }) => kind)).toEqual(["promoted"]);
});

it("lets a mistake of whoever watches come out at once, instead of going on without a statechart", () => {
  const delivery = deliver({ world: canaryLooks(BAD), observer: { decided: () => { throw new Error("a bug"); } } });
  expect(() => delivery.run(minutes(10))).toThrow("a bug");
  expect(() => deliver({ observer: { entered: () => { throw new Error("a bug on entering"); } } })).toThrow("a bug on entering");
  const onTimer = deliver({ observer: { decided: () => { throw new Error("a bug at a delay"); } } });
  expect(() => onTimer.run(minutes(20))).toThrow("a bug at a delay");
});
