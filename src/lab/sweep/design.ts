// Which points of the varied fields are tried: all of a grid, or a sample that fills the space.

import { streamKey, uniform } from "../../kernel/draws.js";
import type { Ratio } from "../../kernel/units.js";
import type { Axis } from "./axis.js";
import type { FieldValue } from "./quantity.js";
import { MOST_SOBOL_DIMENSIONS, sobolPoint } from "./sobol.js";

export const DESIGNS = ["grid", "random", "latin-hypercube", "sobol"] as const;
export type DesignName = (typeof DESIGNS)[number];

export interface Design {
  readonly name: DesignName;
  /** How many points to take; a grid has as many as it has. */
  readonly points: number | null;
  /** For random and latin-hypercube. */
  readonly seed: number;
}

/** One value per axis, in the order of the axes. */
export type DesignPoint = readonly FieldValue[];

export type DesignResult = { readonly ok: true; readonly points: readonly DesignPoint[] } | { readonly ok: false; readonly message: string };

export const MOST_POINTS = 100_000;

/** The points of a design, always the same for the same axes and seed; a point that comes twice is taken once. */
export function designPoints(axes: readonly Axis[], design: Design): DesignResult {
  if (design.name === "grid") return gridPoints(axes);
  const { points } = design;
  if (points === null || points < 1 || points > MOST_POINTS) return bad(`the design ${design.name} takes --points N, from 1 to ${MOST_POINTS}`);
  if (design.name === "sobol" && axes.length > MOST_SOBOL_DIMENSIONS) return bad(`the design sobol varies at most ${MOST_SOBOL_DIMENSIONS} fields; take latin-hypercube`);
  const shares = sharesOf(design, axes.length, points);
  return { ok: true, points: distinct(shares.map((point) => axes.map((axis, k) => valueAt(axis, point[k])))) };
}

function gridPoints(axes: readonly Axis[]): DesignResult {
  const open = axes.find(({ levels }) => levels === null);
  if (open !== undefined) return bad(`\`${open.path}=${open.written}\`: a grid needs to know how many values: write ${open.written}/5, or take another --design`);
  const size = axes.reduce((product, { levels }) => product * (levels?.length ?? 1), 1);
  if (size > MOST_POINTS) return bad(`the grid has ${size} points, and ${MOST_POINTS} is the most; take fewer values, or --design sobol --points N`);
  return { ok: true, points: axes.reduce<readonly DesignPoint[]>((before, { levels }) => before.flatMap((point) => (levels ?? []).map((level) => [...point, level])), [[]]) };
}

/** Where on each axis each point lies, as shares of the way. */
function sharesOf({ name, seed }: Design, dimensions: number, points: number): readonly (readonly Ratio[])[] {
  if (name === "sobol") return Array.from({ length: points }, (_, index) => sobolPoint(index + 1, dimensions));
  const key = streamKey(seed, `sweep/${name}`);
  if (name === "random") return Array.from({ length: points }, (_, index) => Array.from({ length: dimensions }, (_, k) => uniform(key, index, k)));
  return latinHypercube(seed, dimensions, points);
}

/**
 * Each axis is cut into as many slices as there are points, and each slice is used once.
 * Source: M. D. McKay, R. J. Beckman, W. J. Conover, Technometrics 21 (1979).
 */
function latinHypercube(seed: number, dimensions: number, points: number): readonly (readonly Ratio[])[] {
  const columns = Array.from({ length: dimensions }, (_, k) => {
    const order = streamKey(seed, `sweep/latin-hypercube/order/${k}`);
    const within = streamKey(seed, `sweep/latin-hypercube/within/${k}`);
    const slices = Array.from({ length: points }, (_, slice) => ({ slice, rank: uniform(order, slice, 0) })).sort((a, b) => a.rank - b.rank);
    return slices.map(({ slice }, point) => (slice + uniform(within, point, 0)) / points);
  });
  return Array.from({ length: points }, (_, point) => columns.map((column) => column[point]));
}

/** A counted range keeps to its values; what lies between them belongs to the nearest slice. */
function valueAt(axis: Axis, share: Ratio): FieldValue {
  if (axis.levels === null) return axis.at(share);
  return axis.levels[Math.min(axis.levels.length - 1, Math.floor(share * axis.levels.length))];
}

function distinct(points: readonly DesignPoint[]): readonly DesignPoint[] {
  const seen = new Set<string>();
  return points.filter((point) => {
    const key = JSON.stringify(point.map(({ text }) => text));
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

const bad = (message: string): DesignResult => ({ ok: false, message });
