// Deliveries with a bug planted in them: the fuzzer finds each one, and shrinks it to a few lines.

import { describe, expect, it } from "vitest";
import type { CreateDelivery } from "../../../src/delivery/canary.js";
import { fuzz } from "../../../src/lab/fuzz/fuzz.js";
import { InlineRunner } from "../../../src/lab/inline-runner.js";
import { blindPromotion } from "./planted/blind-promotion.js";
import { deafConfirmation } from "./planted/deaf-confirmation.js";
import { forgottenRollback } from "./planted/forgotten-rollback.js";
import { lyingRollback } from "./planted/lying-rollback.js";
import { FRAME } from "./support.js";

/** The seeds are such as find early, so that the test is cheap; another seed may need some dozens of cases. */
const PLANTED: readonly (readonly [name: string, planted: CreateDelivery, id: string, seed: number])[] = [
  ["a confirmation that ignores breaches", deafConfirmation, "invariant: a fired trigger is acted on at once", 3],
  ["a failed rollback that nobody hears of", forgottenRollback, "invariant: a failed action leads to a next one or a page", 1],
  ["a platform that only says that it rolled back", lyingRollback, "invariant: no request reaches a version taken back", 1],
  ["a promotion while a required metric is missing", blindPromotion, "invariant: no promotion while a required metric lacks data", 1],
];

/**
 * A case takes some 0.4 s of one core, so that two cores play more than this in a minute. Cases are counted and not
 * seconds: how many seconds they take on a busy machine says nothing of the fuzzer.
 */
const CASES_IN_A_MINUTE = 150;
const SCRIPT_LINES = 15;

describe("the fuzzer", () => {
  it.each(PLANTED)("finds %s in a minute's worth of cases, and shrinks it to a script of a few lines", async (_name, planted, id, seed) => {
    const started = performance.now();
    const { found } = await fuzz({ frame: FRAME, seed, cases: CASES_IN_A_MINUTE, only: id, mostFindings: 1, shrinkRuns: 40 }, new InlineRunner(planted));
    const seconds = (performance.now() - started) / 1000;
    if (process.env["SHAKEDOWN_SHOW"] !== undefined) process.stdout.write(`${id}: case ${found[0]?.caseNumber}, ${found[0]?.shrinkRuns} runs, ${seconds.toFixed(1)} s\n${found[0]?.finding.message}\n${found[0]?.case.text}`);
    expect(found.map(({ finding }) => finding.id)).toEqual([id]);
    expect(found[0].lines.script).toBeLessThanOrEqual(SCRIPT_LINES);
  });

  it("finds none of them in the delivery as it is", async () => {
    const ids = new Set(PLANTED.map(([, , id]) => id));
    const { found, cases } = await fuzz({ frame: FRAME, seed: 1, cases: 24, shrinkRuns: 0 }, new InlineRunner());
    expect(cases).toBe(24);
    expect(found.filter(({ finding }) => ids.has(finding.id)).map(({ finding, case: { text } }) => `${finding.message}\n${text}`)).toEqual([]);
  });
});
