// How a canary goes back: the flag first where it is enough, again when an action fails, and a person at the end.

import { describe, expect, it } from "vitest";
import { minutes, seconds } from "../../src/kernel/units.js";
import type { PlatformCommand } from "../../src/delivery/platform.js";
import { HARD_TRIGGERS } from "../../src/engines/health/presets.js";
import { deliver, fakeWorld, FLAGGED, STRATEGY, trigger, type FakeWorld, type Look } from "./fake-ports.js";

const BAD: Partial<Look> = { errorRate: 0.04, featureErrorRate: 0.04 };

function badCanary(outcome: FakeWorld["outcome"] = () => "done"): FakeWorld {
  const world = fakeWorld();
  world.look = (version) => (version === "v2" ? BAD : {});
  world.outcome = outcome;
  return world;
}

/** A canary whose flagged endpoints fail until the flag is off (and the rest, when `spread`). */
function badFeature(spread = false): FakeWorld {
  const world = fakeWorld();
  world.look = (version) => (version === "v2" && world.flagOn ? { featureErrorRate: 0.06, errorRate: spread ? 0.04 : 0.001 } : {});
  return world;
}

const kinds = (world: FakeWorld): PlatformCommand["kind"][] => world.commands.map(({ command }) => command.kind);
const failing = (...which: PlatformCommand["kind"][]): FakeWorld["outcome"] => (command) => (which.includes(command.kind) ? "failed" : "done");

describe("a rollback that fails", () => {
  it("is tried again", () => {
    const world = badCanary((command, nth) => (command.kind === "roll-back" && nth === 1 ? "failed" : "done"));
    const delivery = deliver({ world });
    delivery.run(minutes(10));
    expect(kinds(world).slice(2)).toEqual(["roll-back", "roll-back"]);
    expect(delivery.acts()).toEqual(["roll-back", "try-again"]);
    expect(delivery.results.map(({ kind }) => kind)).toEqual(["rolled-back"]);
    expect(delivery.pages).toEqual([]);
  });

  it("is followed by shifting all traffic to stable, and tells a person", () => {
    const world = badCanary(failing("roll-back"));
    const delivery = deliver({ world });
    delivery.run(minutes(10));
    expect(kinds(world).slice(2)).toEqual(["roll-back", "roll-back", "set-weight", "page"]);
    expect(world.weight).toBe(0);
    expect(delivery.acts()).toEqual(["roll-back", "try-again", "shift-traffic"]);
    expect(delivery.decisions[1].reason).toBe("The command to roll checkout back from v2 to v1 failed (scripted), so it is tried again.");
    expect(delivery.decisions[2]).toMatchObject({ rule: "action-failed", decidingCheck: "trigger error-rate" });
    expect(delivery.decisions[2].reason).toBe("The command to roll checkout back from v2 to v1 failed in 2 attempts (last: scripted), so all traffic is shifted to stable.");
    expect(delivery.results.map(({ kind }) => kind)).toEqual(["rolled-back"]);
    expect(delivery.pages).toEqual([expect.objectContaining({ asks: false })]);
  });

  it("pages and asks when everything fails, in bounded time, and tries again when nobody answers", () => {
    const world = badCanary((command) => (command.kind === "roll-back" || (command.kind === "set-weight" && command.weight === 0) ? "failed" : "done"));
    const delivery = deliver({ world });
    delivery.run(minutes(10));
    expect(delivery.actor.state).toBe("stranded");
    expect(delivery.acts()).toEqual(["roll-back", "try-again", "shift-traffic", "try-again", "page+hold"]);
    expect(delivery.pages).toEqual([expect.objectContaining({ asks: true })]);
    delivery.run(minutes(21));
    expect(delivery.acts().slice(5)).toEqual(["roll-back", "try-again", "shift-traffic", "try-again", "page+hold"]);
    delivery.run(minutes(200));
    expect(delivery.actor.state).toBe("held");
    expect(delivery.pages).toHaveLength(3);
    expect(delivery.results).toEqual([expect.objectContaining({ kind: "held" })]);
  });

  it("goes through when a person, paged, says so and the platform obeys again", () => {
    let broken = true;
    const world = badCanary((command) => (broken && (command.kind === "roll-back" || (command.kind === "set-weight" && command.weight === 0)) ? "failed" : "done"));
    const delivery = deliver({ world });
    delivery.run(minutes(10));
    broken = false;
    delivery.actor.answer("roll-back");
    delivery.run(minutes(12));
    expect(delivery.results).toEqual([expect.objectContaining({ kind: "rolled-back", by: "person" })]);
  });

  it("is acted on again when a person lets the release go on", () => {
    let broken = true;
    const world = badCanary((command) => (broken && (command.kind === "roll-back" || (command.kind === "set-weight" && command.weight === 0)) ? "failed" : "done"));
    const delivery = deliver({ world });
    delivery.run(minutes(10));
    delivery.actor.answer("hold");
    delivery.run(minutes(15));
    expect(delivery.actor.state).toBe("held");
    broken = false;
    delivery.actor.answer("promote");
    delivery.run(minutes(20));
    expect(delivery.acts().slice(5)).toEqual(["hold", "promote", "roll-back"]);
    expect(delivery.results.map(({ kind }) => kind)).toEqual(["held", "rolled-back"]);
  });

  it.each(["silent", "timed-out"] as const)("counts an action that is %s as failed", (outcome) => {
    const world = badCanary((command) => (command.kind === "roll-back" ? outcome : "done"));
    const delivery = deliver({ world });
    delivery.run(minutes(20));
    expect(delivery.acts()).toEqual(["roll-back", "try-again", "shift-traffic"]);
    expect(delivery.decisions[1].reason).toContain("was not done in time, so it is tried again");
    expect(delivery.decisions[2].reason).toContain("was not done in time in 2 attempts");
    expect(delivery.results.map(({ kind }) => kind)).toEqual(["rolled-back"]);
  });
});

describe("a deploy or a shift that fails", () => {
  it.each(["deploy", "set-weight", "scale"] as const)("twice (%s) takes the release back", (kind) => {
    const world = fakeWorld();
    world.outcome = failing(kind);
    const delivery = deliver({ world });
    delivery.run(minutes(20));
    expect(delivery.decisions.at(-1)).toMatchObject({ rule: "action-failed", actions: ["roll-back"] });
    expect(delivery.results.map(({ kind: result }) => result)).toEqual(["rolled-back"]);
  });

  it("once is tried again, and the release goes on", () => {
    const world = fakeWorld();
    world.outcome = (command, nth) => (command.kind !== "mark-stable" && nth === 1 ? "failed" : "done");
    const delivery = deliver({ world });
    delivery.run(minutes(70));
    expect(delivery.results.map(({ kind }) => kind)).toEqual(["promoted"]);
  });

  it("leaves a fully exposed version held, and tells a person, when it cannot be marked stable", () => {
    const world = fakeWorld();
    world.outcome = failing("mark-stable");
    const delivery = deliver({ world });
    delivery.run(minutes(70));
    expect(delivery.results).toEqual([expect.objectContaining({ kind: "held", afterFullExposure: true })]);
    expect(delivery.pages).toEqual([expect.objectContaining({ asks: false })]);
  });

  it("has every attempt again when a person lets it go on", () => {
    const world = fakeWorld();
    world.outcome = (command, nth) => (command.kind === "mark-stable" && nth <= 3 ? "failed" : "done");
    const delivery = deliver({ world });
    delivery.run(minutes(70));
    delivery.actor.answer("promote");
    delivery.run(minutes(75));
    expect(delivery.acts().slice(3)).toEqual(["try-again", "page+hold", "finish", "try-again"]);
    expect(delivery.results.at(-1)).toMatchObject({ kind: "promoted" });
  });
});

describe("a release behind a flag", () => {
  it("is switched off when more than 80 % of the excess errors are on the flag's endpoints, and stays dark when that helps", () => {
    const world = badFeature();
    const delivery = deliver({ world, release: FLAGGED });
    delivery.run(minutes(20));
    expect(delivery.acts()).toEqual(["disable-flag", "stay-dark"]);
    expect(delivery.decisions[0].flag).toMatchObject({ flag: "new-checkout", share: 1, infrastructureHealthy: true, schemaAdditive: true, flagServiceHealthy: true });
    expect(delivery.decisions[0].reason).toContain("100% of the excess comes from the endpoints of new-checkout");
    expect(delivery.decisions[1]).toMatchObject({ rule: "flag-watch", decidingCheck: "trigger error-rate" });
    expect(delivery.decisions[1].checks[0]).toMatchObject({ status: "pass" });
    expect(delivery.results).toEqual([expect.objectContaining({ kind: "flag-off", by: "engine" })]);
    expect(world.weight).toBe(0.05);
    expect(kinds(world)).not.toContain("roll-back");
  });

  it("watches for a minute from when the change can be seen", () => {
    const delivery = deliver({ world: badFeature(), release: FLAGGED });
    delivery.run(minutes(20));
    const watched = delivery.states.find(({ state }) => state === "rolling-back.watching-flag")?.at ?? 0;
    const judged = delivery.states.find(({ state }) => state === "rolling-back.judging-flag")?.at ?? 0;
    expect(judged - watched).toBe(seconds(5 + 15 + 60));
    const { window } = delivery.decisions[1].checks[0];
    expect(window.to - window.from).toBe(seconds(60));
    expect(window.from).toBeGreaterThanOrEqual(watched + seconds(20));
  });

  it("is rolled back in full when errors are spread over endpoints", () => {
    const delivery = deliver({ world: badFeature(true), release: FLAGGED });
    delivery.run(minutes(20));
    expect(delivery.acts()).toEqual(["roll-back"]);
    expect(delivery.decisions[0].reason).toMatch(/errors are spread over endpoints \(60\.\d% of the excess on the endpoints of new-checkout, not above 80%\)/);
  });

  it("is rolled back in full when switching the flag off does not help", () => {
    const world = fakeWorld();
    world.look = (version) => (version === "v2" ? { featureErrorRate: 0.06, errorRate: 0.001 } : {});
    const delivery = deliver({ world, release: FLAGGED });
    delivery.run(minutes(20));
    expect(delivery.acts()).toEqual(["disable-flag", "roll-back"]);
    expect(delivery.decisions[1].rule).toBe("flag-watch");
    expect(delivery.decisions[1].reason).toContain("1 minute after the flag went off that is not better, so the whole release is rolled back.");
    expect(delivery.results.map(({ kind }) => kind)).toEqual(["rolled-back"]);
  });

  it("is rolled back in full when switching the flag off helps, but not enough, and is told so", () => {
    const world = fakeWorld();
    world.look = (version) => (version === "v2" ? { featureErrorRate: world.flagOn ? 0.08 : 0.04, errorRate: 0.001 } : {});
    const delivery = deliver({ world, release: FLAGGED });
    delivery.run(minutes(20));
    expect(delivery.acts()).toEqual(["disable-flag", "roll-back"]);
    expect(delivery.decisions[1].reason).toMatch(/^Error rate of checkout v2 was 2\.\d+% .*, above 1%.* went off that is better than 4\.\d+%, but not enough, so the whole release is rolled back\.$/);
  });

  it("is rolled back in full when too few requests show whether switching the flag off helped, and is told so", () => {
    const world = badFeature();
    const look = world.look;
    world.look = (version, at) => ({ ...look(version, at), ...(world.flagOn ? {} : { rps: 0.1 }) });
    const delivery = deliver({ world, release: FLAGGED });
    delivery.run(minutes(20));
    expect(delivery.acts()).toEqual(["disable-flag", "roll-back"]);
    expect(delivery.decisions[1].reason).toContain("that does not show that it helped, so the whole release is rolled back.");
  });

  it("is rolled back in full when the flag cannot be switched", () => {
    const world = badFeature();
    world.outcome = failing("set-flag");
    const delivery = deliver({ world, release: FLAGGED });
    delivery.run(minutes(20));
    expect(delivery.acts()).toEqual(["disable-flag", "try-again", "roll-back"]);
    expect(delivery.decisions[2].rule).toBe("action-failed");
  });

  it("is rolled back at once when a hard trigger fires during the watch", () => {
    const world = badFeature();
    const healthy = world.look;
    world.look = (version, at) => (version === "v2" && !world.flagOn ? { memory: 0.95 } : healthy(version, at));
    const delivery = deliver({ world, release: FLAGGED, strategy: { triggers: [...STRATEGY.triggers, ...HARD_TRIGGERS] } });
    delivery.run(minutes(20));
    expect(delivery.acts()).toEqual(["disable-flag", "roll-back"]);
    expect(delivery.decisions[1]).toMatchObject({ rule: "hard-trigger", decidingCheck: "hard trigger memory above 85%" });
    expect(delivery.decisions[1].at - delivery.decisions[0].at).toBeLessThan(seconds(90));
  });

  it("stays dark at full exposure, too, judged against the past", () => {
    const world = fakeWorld();
    world.look = (version, at) => (version === "v2" && world.flagOn && at > minutes(49) ? { featureErrorRate: 0.06, errorRate: 0.001 } : {});
    const relative = [trigger("error-rate", { kind: "times-baseline", factor: 2 }, { baseline: "stable" })];
    const delivery = deliver({ world, release: FLAGGED, strategy: { triggers: relative } });
    delivery.run(minutes(70));
    expect(delivery.acts().slice(2)).toEqual(["disable-flag", "stay-dark"]);
    expect(delivery.results).toEqual([expect.objectContaining({ kind: "flag-off", afterFullExposure: true })]);
  });

  it("is not switched off by a strategy that prefers full rollbacks, and its evidence is not even asked for", () => {
    const world = badFeature();
    const delivery = deliver({ world, release: FLAGGED, strategy: { rollback: { ...STRATEGY.rollback, prefer: "full" } } });
    delivery.run(minutes(20));
    expect(delivery.acts()).toEqual(["roll-back"]);
    expect(delivery.decisions[0].flag).toBeNull();
    expect(delivery.decisions[0].reason).toContain("the strategy prefers full rollbacks");
  });
});
