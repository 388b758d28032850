// The test cases of a tuning: each scenario with the goal's regression and without, and variations that are held out.

import { scheduleOf } from "../../delivery/strategy.js";
import type { Micros } from "../../kernel/units.js";
import { minutes } from "../../kernel/units.js";
import type { LoadResult } from "../../scenario/problem.js";
import type { Fidelity } from "../../world/world.js";
import { readScenario, type Bundle } from "../bundle.js";
import { lengthFor, parseRegressionSize, testedRelease, withRegression, type RegressionSize } from "../detect/regression.js";
import { fieldOf, variantOf, withField } from "../variant.js";
import type { Axis } from "../sweep/axis.js";
import { fieldValue, type FieldValue } from "../sweep/quantity.js";
import type { Goal } from "./goal.js";
import type { CaseKind } from "./score.js";

export interface TestCase extends CaseKind {
  readonly name: string;
  /** With the strategy that is tuned; candidates change its fields. */
  readonly bundle: Bundle;
}

export interface CaseOptions {
  readonly fidelity: Fidelity;
  readonly rate?: string | undefined;
  /** Of the slowest candidate, from its first step to its end: each scenario lasts long enough for it. Each its own time when left out. */
  readonly schedule?: Micros | undefined;
}

/** A bad and a good release in each scenario. */
export function testCases(scenarios: readonly Bundle[], goal: Goal, options: CaseOptions): LoadResult<readonly TestCase[]> {
  const cases: TestCase[] = [];
  for (const bundle of scenarios) {
    const { size, on } = goal.detect;
    for (const [words, tried] of [[`${size.written} regression`, size], ["healthy release", null]] as const) {
      const made = makeCase(bundle, words, tried, on, options, scenarios.length > 1);
      if (!made.ok) return made;
      cases.push(made.value);
    }
  }
  return { ok: true, value: cases };
}

/** Cases that no candidate was chosen by: other sizes, other rates, and weather that frightens. Those that cannot be made are left out. */
export function heldOutCases(scenarios: readonly Bundle[], goal: Goal, options: CaseOptions): readonly TestCase[] {
  const { size, on } = goal.detect;
  return scenarios.flatMap((bundle) => {
    const several = scenarios.length > 1;
    const sizes = otherSizes(size).map((other) => makeCase(bundle, `${other.written} regression`, other, on, options, several));
    const rates = otherRates(bundle, options.rate).flatMap((rate) => [
      makeCase(bundle, `${size.written} regression at ${rate}`, size, on, { ...options, rate }, several),
      makeCase(bundle, `healthy release at ${rate}`, null, on, { ...options, rate }, several),
    ]);
    const noisy = withNoise(bundle);
    const noise = noisy.ok ? [makeCase(noisy.value, "healthy release, noisy neighbour", null, on, options, several)] : [];
    return [...sizes, ...rates, ...noise].flatMap((made) => (made.ok ? [made.value] : []));
  });
}

/** Every case with these values; or why one of them is refused. */
export function bundlesWith(cases: readonly TestCase[], axes: readonly Axis[], values: readonly FieldValue[], fidelity: Fidelity): LoadResult<readonly Bundle[]> {
  const bundles: Bundle[] = [];
  for (const { bundle } of cases) {
    const made = variantOf(bundle, axes.map(({ path }, k) => ({ path, value: values[k].text })), { fidelity });
    if (!made.ok) return made;
    bundles.push(made.value);
  }
  return { ok: true, value: bundles };
}

function makeCase(bundle: Bundle, words: string, size: RegressionSize | null, on: string | null, options: CaseOptions, several: boolean): LoadResult<TestCase> {
  const tested = testedRelease(bundle);
  if (!tested.ok) return tested;
  const loaded = readScenario(bundle);
  if (!loaded.ok) return loaded;
  const { name, cost, duration } = loaded.value;
  const { service, version } = tested.value;
  const { fidelity, rate, schedule } = options;
  const made = withRegression(bundle, tested.value, size, on, { fidelity, rate, duration: schedule === undefined ? undefined : lengthFor(tested.value, schedule, duration) });
  if (!made.ok) return made;
  return {
    ok: true,
    value: { name: several ? `${name}: ${words}` : words, bundle: made.value, kind: size === null ? "good" : "bad", service, version, delayPerHour: cost.delayPerHour },
  };
}

/** Half and twice as large. */
function otherSizes(size: RegressionSize): readonly RegressionSize[] {
  const texts = size.kind === "errors" ? [`${plain(size.number * 50)}%`, `${plain(Math.min(100, size.number * 200))}%`] : [`x${plain(1 + (size.number - 1) / 2)}`, `x${plain(1 + (size.number - 1) * 2)}`];
  return texts.flatMap((text) => parseRegressionSize(text) ?? []);
}

/** Half and twice the rate: as asked for, or the world's own where it is constant. */
function otherRates(bundle: Bundle, rate: string | undefined): readonly string[] {
  const written = rate ?? fieldOf(bundle, "world.traffic.rate");
  const number = typeof written === "string" ? fieldValue(written).number : null;
  return number === null ? [] : [`${plain(number / 2)}rps`, `${plain(number * 2)}rps`];
}

/** Another tenant slows both versions for ten minutes while the release is under way. */
function withNoise(bundle: Bundle): LoadResult<Bundle> {
  const tested = testedRelease(bundle);
  if (!tested.ok) return tested;
  const script = fieldOf(bundle, "scenario.script");
  const at = Math.round((tested.value.at + minutes(5)) / 1e6);
  return withField(bundle, { path: `scenario.script.${Array.isArray(script) ? script.length : 0}`, value: `{ at: ${at}s, fault: { noisy-neighbour: { on: ${tested.value.service}, cpu: +15%, latency: x3, for: 10m } } }` });
}

const plain = (value: number): string => String(Number(value.toPrecision(4)));

/** How long the slowest of these strategies takes from the release on, as it plans. */
export function slowestSchedule(bundles: readonly Bundle[]): Micros {
  return Math.max(0, ...bundles.map((bundle) => {
    const loaded = readScenario(bundle);
    return loaded.ok ? scheduleOf(loaded.value.strategy) : 0;
  }));
}
