// What must hold of every canary delivery, whatever telemetry says and however the platform behaves.

import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { minutes, seconds } from "../../src/kernel/units.js";
import { HARD_TRIGGERS } from "../../src/engines/health/presets.js";
import { CANARY_STATES } from "../../src/delivery/states.js";
import type { DecidedAction } from "../../src/engines/decision.js";
import { deliver, fakeWorld, FLAGGED, RELEASE, STRATEGY, type Look } from "./fake-ports.js";

const ACTING: readonly DecidedAction[] = ["roll-back", "disable-flag"];

/** Four-minute stretches of weather: how the canary looks, and whether it is seen at all. */
const anyLook: fc.Arbitrary<Partial<Look> | null> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 2, arbitrary: fc.record({ errorRate: fc.constantFrom(0, 0.005, 0.009, 0.011, 0.05, 1), featureErrorRate: fc.constantFrom(0, 0.009, 0.05, 1) }) },
  { weight: 1, arbitrary: fc.record({ p95: fc.constantFrom(0.1, 0.29, 0.31, 0.49, 0.51, 3) }) },
  { weight: 1, arbitrary: fc.record({ rps: fc.constantFrom(0.1, 1, 30) }) },
  { weight: 1, arbitrary: fc.record({ memory: fc.constantFrom(0.2, 0.84, 0.9), cpu: fc.constantFrom(0.2, 0.95) }) },
);
const anyOutcome = fc.constantFrom("done" as const, "done" as const, "done" as const, "failed" as const, "timed-out" as const, "silent" as const);

const anyRun = fc.record({
  looks: fc.array(anyLook, { minLength: 20, maxLength: 20 }),
  outcomes: fc.array(anyOutcome, { minLength: 8, maxLength: 8 }),
  policy: fc.constantFrom("hold" as const, "ask" as const, "roll-back" as const, "promote" as const),
  onNoAnswer: fc.constantFrom("hold" as const, "roll-back" as const, "promote" as const),
  onGateFail: fc.constantFrom("hold" as const, "roll-back" as const),
  flagged: fc.boolean(),
  answers: fc.array(fc.constantFrom("roll-back" as const, "promote" as const, "hold" as const, null), { minLength: 4, maxLength: 4 }),
});

/** Plays the run with short bakes, an answer every twenty minutes, and returns what happened. */
function play(run: typeof anyRun extends fc.Arbitrary<infer T> ? T : never) {
  const world = fakeWorld();
  world.look = (version, at) => (version === "v2" ? run.looks[Math.min(19, Math.floor(at / minutes(4)))] : {});
  world.outcome = (command, nth) => (command.kind === "page" ? "done" : run.outcomes[(nth + command.kind.length) % 8]);
  const steps = STRATEGY.steps.map((step) => ({ ...step, bake: minutes(6), maxHold: minutes(4), onInconclusive: run.policy }));
  const delivery = deliver({
    world, release: run.flagged ? FLAGGED : RELEASE,
    strategy: {
      steps, triggers: [...STRATEGY.triggers, ...HARD_TRIGGERS], onGateFail: run.onGateFail, onNoAnswer: run.onNoAnswer,
      actionTimeout: minutes(1), askTimeout: minutes(5),
    },
  });
  for (const [i, answer] of run.answers.entries()) {
    delivery.run(minutes(20 * (i + 1)));
    if (answer !== null) delivery.actor.answer(answer);
  }
  delivery.run(minutes(160));
  return delivery;
}

describe("every delivery", () => {
  it("promotes on schedule only when every required gate passed, and says on what it rested (property)", () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        const { decisions } = play(run);
        for (const decision of decisions) {
          if (decision.rule !== "schedule") continue;
          const gates = decision.checks.filter(({ role }) => role === "gate");
          expect(gates).toHaveLength(STRATEGY.gates.length);
          expect(gates.every(({ status }) => status === "pass")).toBe(true);
        }
      }),
      { numRuns: 25 },
    );
  });

  it("never promotes by itself while a required metric has no data or a gate fails (property)", () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        for (const decision of play(run).decisions) {
          if (decision.by === "person" || !decision.actions.some((action) => action === "promote" || action === "finish")) continue;
          const gates = decision.checks.filter(({ role }) => role === "gate");
          expect(gates.length).toBeGreaterThan(0);
          expect(gates.some(({ status }) => status === "missing" || status === "breach")).toBe(false);
        }
      }),
      { numRuns: 25 },
    );
  });

  it("has evidence, a reason and a running number for every decision (property)", () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        const { decisions } = play(run);
        for (const [i, decision] of decisions.entries()) {
          expect(decision.id).toBe(i + 1);
          expect(decision.reason).toMatch(/^[A-Z].*\.$/s);
          expect(decision.reason).not.toMatch(/undefined|NaN|null/);
          expect(decision.actions.length).toBeGreaterThan(0);
          if (decision.rule === "trigger" || decision.rule === "hard-trigger" || decision.rule === "gate" || decision.rule === "thin-data") {
            expect(decision.checks.map(({ check }) => check)).toContain(decision.decidingCheck);
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it("acts on every fired trigger (property)", () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        for (const decision of play(run).decisions) {
          if (decision.rule !== "trigger" && decision.rule !== "hard-trigger") continue;
          expect(ACTING).toContain(decision.actions[0]);
          expect(decision.checks.find(({ check }) => check === decision.decidingCheck)).toMatchObject({ fired: true, status: "breach" });
        }
      }),
      { numRuns: 25 },
    );
  });

  it("comes to an end, a person or another try, in bounded time, and only in known states (property)", () => {
    const known = new Set(CANARY_STATES.map(({ state }) => state));
    fc.assert(
      fc.property(anyRun, (run) => {
        const delivery = play(run);
        expect(delivery.states.every(({ state }) => known.has(state))).toBe(true);
        expect(["promoted", "flag-off", "rolled-back", "held"]).toContain(delivery.actor.state);
        expect(delivery.results.length).toBeGreaterThan(0);
        // Two attempts of at most a minute and its grace per level, three levels.
        const acting = delivery.states.filter(({ state }) => state.startsWith("rolling-back."));
        for (const [i, entry] of acting.entries()) {
          const next = delivery.states[delivery.states.indexOf(entry) + 1];
          expect(next, `leaves ${entry.state} (${i})`).toBeDefined();
          expect(next.at - entry.at).toBeLessThanOrEqual(2 * (minutes(1) + seconds(15)) + seconds(1));
        }
      }),
      { numRuns: 25 },
    );
  });

  it("is the same twice (property)", () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        expect(JSON.stringify(play(run).decisions)).toBe(JSON.stringify(play(run).decisions));
      }),
      { numRuns: 10 },
    );
  });
});
