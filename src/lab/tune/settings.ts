// Which settings race: all there are where they are few, else a sample that fills the box, in figures that people write.

import type { Axis } from "../sweep/axis.js";
import { designPoints, MOST_POINTS, type DesignPoint } from "../sweep/design.js";
import { roundedTo } from "../sweep/quantity.js";
import { MOST_SOBOL_DIMENSIONS } from "../sweep/sobol.js";

export interface Setting {
  /** Counted from 1; number 0 is the strategy as it was. */
  readonly id: number;
  readonly values: DesignPoint;
}

export interface RefusedSetting {
  readonly id: number;
  readonly values: readonly string[];
  readonly why: string;
}

/** Where many settings are refused (weights that fall), so many times as many are tried to find enough. */
const TRIES_PER_CANDIDATE = 5;
/** A threshold of 1.321 % promises what no race can tell. */
const DIGITS = 2;

/** So many settings that the loader takes; `refusal` says why it does not take one, and null when it does. */
export function candidateSettings(axes: readonly Axis[], wanted: number, refusal: (values: DesignPoint) => string | null): { readonly taken: readonly Setting[]; readonly refused: readonly RefusedSetting[] } {
  const taken: Setting[] = [];
  const refused: RefusedSetting[] = [];
  for (const [index, values] of settingsOf(axes, wanted).entries()) {
    if (taken.length >= wanted) break;
    const why = refusal(values);
    if (why === null) taken.push({ id: index + 1, values });
    else refused.push({ id: index + 1, values: values.map(({ text }) => text), why });
  }
  return { taken, refused };
}

function settingsOf(axes: readonly Axis[], wanted: number): readonly DesignPoint[] {
  const points = Math.min(MOST_POINTS, TRIES_PER_CANDIDATE * wanted);
  const all = axes.reduce((product, { levels }) => product * (levels?.length ?? Infinity), 1);
  const design = all <= wanted
    ? designPoints(axes, { name: "grid", points: null, seed: 1 })
    : designPoints(axes, { name: axes.length <= MOST_SOBOL_DIMENSIONS ? "sobol" : "latin-hypercube", points, seed: 1 });
  if (!design.ok) throw new Error(`the design is refused: ${design.message}`);
  const seen = new Set<string>();
  return design.points.map((values) => values.map((value, k) => (axes[k].levels === null ? roundedTo(value, DIGITS) : value))).filter((values) => {
    const key = JSON.stringify(values.map(({ text }) => text));
    return seen.size < seen.add(key).size;
  });
}
