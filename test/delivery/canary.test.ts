// The canary's statechart, behaviour by behaviour, on scripted ports.

import { describe, expect, it } from "vitest";
import { minutes, seconds } from "../../src/kernel/units.js";
import { deliver, fakeWorld } from "./fake-ports.js";

describe("a healthy release", () => {
  it("is promoted 5 -> 25 -> 100 % and marked stable when every gate passes", () => {
    const delivery = deliver();
    delivery.run(minutes(70));
    expect(delivery.weights()).toEqual([0.05, 0.25, 1]);
    expect(delivery.acts()).toEqual(["promote", "promote", "finish"]);
    expect(delivery.world.commands.at(-1)?.command.kind).toBe("mark-stable");
    expect(delivery.results).toEqual([expect.objectContaining({ kind: "promoted", by: "engine", afterFullExposure: true })]);
    expect(delivery.actor.done).toBe(true);
  });
});

describe("a failing release", () => {
  it("is rolled back when its error rate stays above 1 % for 3 of 5 checks", () => {
    const world = fakeWorld();
    world.look = (version) => (version === "v2" ? { errorRate: 0.04, featureErrorRate: 0.04 } : {});
    const delivery = deliver({ world });
    delivery.run(minutes(70));
    expect(delivery.acts()).toEqual(["roll-back"]);
    const [decision] = delivery.decisions;
    expect(decision.rule).toBe("trigger");
    expect(decision.decidingCheck).toBe("trigger error-rate");
    expect(decision.reason).toMatch(/^Error rate of checkout v2 was 4% over 600 requests in the last 2 minutes, above 1%, in 3 of 5 checks; /);
    expect(decision.at).toBeLessThan(minutes(5));
    expect(delivery.results).toEqual([expect.objectContaining({ kind: "rolled-back", by: "engine", afterFullExposure: false })]);
    expect(delivery.states.at(-1)?.state).toBe("rolled-back");
  });

  it("tries a rollback again that fails once", () => {
    const world = fakeWorld();
    world.look = (version) => (version === "v2" ? { errorRate: 0.04, featureErrorRate: 0.04 } : {});
    world.outcome = (command, nth) => (command.kind === "roll-back" && nth === 1 ? "failed" : "done");
    const delivery = deliver({ world });
    delivery.run(minutes(20));
    expect(world.commands.filter(({ command }) => command.kind === "roll-back")).toHaveLength(2);
    expect(delivery.results.map((result) => result.kind)).toEqual(["rolled-back"]);
  });
});

it("knows its state by name", () => {
  const delivery = deliver();
  delivery.run(seconds(60));
  expect(delivery.actor.state).toBe("step.baking");
});
