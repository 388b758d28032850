// What a person decides, or nobody who was asked, is told as theirs, with the check that made the engines ask.

import { describe, expect, it } from "vitest";
import type { Decision } from "../../src/engines/decision.js";
import { causeOf } from "../../src/sim/cause.js";
import { emptyJournal, type ReleaseJournal } from "../../src/sim/journal.js";
import type { ReleaseOutcome } from "../../src/sim/outcome.js";
import type { Simulation } from "../../src/sim/play.js";
import { runScenario } from "../../src/sim/run.js";
import type { ReleaseItem } from "../../src/sim/stage.js";
import { cornerShop, release } from "./support/corner-shop.js";

/** Gates that can never decide, and nothing else: the engines ask at the first step. */
const ASKING = "{ steps: [{ weight: 20%, bake: 3m, max-hold: 1m }, { weight: 100%, bake: 3m, max-hold: 1m }], window: 1m, every: 15s, gates: { error-rate: { below: 1% } }, triggers: {}, thin-data: { min-requests: 100000, on-inconclusive: ask }, ask-timeout: 5m, on-no-answer: roll-back }";
const HARMFUL = "{ with: version, on: shop/order, errors: +10% }";
const CHECK = '"gate error-rate below 1%"';

const released = (defects: string, person: string): ReleaseOutcome =>
  runScenario(cornerShop({ script: release(defects), strategy: ASKING, more: `person: ${person}` }), { detail: "light" }).releases[0];

describe("a release that a person was asked about", () => {
  it("was rolled back by the person and not by the engines, whose check is named", () => {
    const told = released(HARMFUL, "{ answers-after: 2m, answer: roll-back }");
    expect(told).toMatchObject({ result: "rolled-back", by: "person" });
    expect(told.verdict).toContain(`v2 was harmful; it was rolled back by a person, who was asked because of ${CHECK}`);
    expect(told.verdict).not.toContain("engines act");
    expect(told.causeReason).toContain(`A person decided; the engines had asked because of ${CHECK}`);
  });

  it("was caught when the check that made the engines ask was failed by the release's own defects", () => {
    const strategy = ASKING.replace("min-requests: 100000", "min-requests: 20").replace("gates: { error-rate: { below: 1% } }", "gates: { conversion: { drops: 20% } }");
    const script = release("{ with: version, on: shop/order, conversion: -30% }");
    const told = runScenario(cornerShop({ script, strategy, objectives: "{ conversion: -5% }", more: "person: { answers-after: 2m, answer: roll-back }" }), { detail: "light" }).releases[0];
    expect(told).toMatchObject({ truth: "harmful", result: "rolled-back", by: "person", cause: "release", classification: "caught" });
  });

  it("was rolled back because nobody answered", () => {
    const told = released(HARMFUL, "{ answers-after: never }");
    expect(told).toMatchObject({ result: "rolled-back", by: "engine" });
    expect(told.verdict).toContain(`it was rolled back because nobody answered who was asked because of ${CHECK}`);
    expect(told.causeReason).toContain("Nobody answered; the engines had asked");
  });

  it("was promoted by the person, rightly or not", () => {
    const answer = "{ answers-after: 2m, answer: promote }";
    expect(released("", answer).verdict).toBe(`v2 was harmless and was promoted by a person, who was asked because of ${CHECK}.`);
    expect(released(HARMFUL, answer).verdict).toContain("v2 was harmful and was promoted all the same by a person");
  });

  it("was rolled back for nothing by the person", () => {
    expect(released("", "{ answers-after: 2m, answer: roll-back }").verdict).toMatch(/^v2 was harmless, yet it was rolled back by a person.*: a false rollback\.$/);
  });
});

describe("the cause of an answer", () => {
  const decision = (over: Partial<Decision>): Decision => ({ rule: "thin-data", actions: ["page", "ask"], by: "engine", decidingCheck: "gate conversion", ...over }) as Decision;
  const answer = decision({ rule: "answer", actions: ["roll-back"], by: "person", decidingCheck: null });
  const causeIn = (passes: boolean | null, asked = decision({})) => {
    const journal: ReleaseJournal = { ...emptyJournal(0, 0), decisions: [asked, answer], passesWithoutRelease: [passes, null] };
    return causeOf({} as Simulation, journal, { release: { version: "v2" } } as ReleaseItem);
  };

  it("is the release when the check that made the engines ask passes without the release's own requests", () => {
    expect(causeIn(true)).toEqual({ cause: "release", causeReason: 'A person decided; the engines had asked because of "gate conversion", which passes without the requests that v2\'s own defects touched.' });
  });

  it("is luck when that check says the same without them", () => {
    expect(causeIn(false)).toMatchObject({ cause: "luck", causeReason: expect.stringContaining("decides nothing even without") });
    expect(causeIn(false, decision({ rule: "gate" }))).toMatchObject({ cause: "luck", causeReason: expect.stringContaining("fails even without") });
  });

  it("is not claimed to be known when that check was not looked at, or none had made them ask", () => {
    expect(causeIn(null)).toMatchObject({ cause: "luck", causeReason: expect.stringContaining("not looked at") });
    expect(causeIn(null, decision({ decidingCheck: null })).causeReason).toContain("no check had made the engines ask");
  });
});
