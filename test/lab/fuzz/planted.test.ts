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

const PLANTED: readonly (readonly [name: string, planted: CreateDelivery, id: string])[] = [
  ["a confirmation that ignores breaches", deafConfirmation, "invariant: a fired trigger is acted on at once"],
  ["a failed rollback that nobody hears of", forgottenRollback, "invariant: a failed action leads to a next one or a page"],
  ["a platform that only says that it rolled back", lyingRollback, "invariant: no request reaches a version taken back"],
  ["a promotion while a required metric is missing", blindPromotion, "invariant: no promotion while a required metric lacks data"],
];

/** Cases that are enough for each of them; each takes a fraction of a second. */
const CASES = 240;
const SCRIPT_LINES = 15;

describe("the fuzzer", () => {
  it.each(PLANTED)("finds %s in less than a minute, and shrinks it to a script of a few lines", async (_name, planted, id) => {
    const started = performance.now();
    const { found } = await fuzz({ frame: FRAME, seed: 1, cases: CASES, only: id, mostFindings: 1, shrinkRuns: 60 }, new InlineRunner(planted));
    const seconds = (performance.now() - started) / 1000;
    if (process.env["SHAKEDOWN_SHOW"] !== undefined) process.stdout.write(`${id}: case ${found[0]?.caseNumber}, ${found[0]?.shrinkRuns} runs, ${seconds.toFixed(1)} s\n${found[0]?.finding.message}\n${found[0]?.case.text}`);
    expect(found.map(({ finding }) => finding.id)).toEqual([id]);
    expect(found[0].lines.script).toBeLessThanOrEqual(SCRIPT_LINES);
    expect(seconds).toBeLessThan(60);
  });

  it("finds none of them in the delivery as it is", async () => {
    const ids = new Set(PLANTED.map(([, , id]) => id));
    const { found, cases } = await fuzz({ frame: FRAME, seed: 1, cases: 24, shrinkRuns: 0 }, new InlineRunner());
    expect(cases).toBe(24);
    expect(found.filter(({ finding }) => ids.has(finding.id)).map(({ finding, case: { text } }) => `${finding.message}\n${text}`)).toEqual([]);
  });
});
