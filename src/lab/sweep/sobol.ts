// Sobol's sequence: points that fill a box of many dimensions evenly, however many of them are taken.

import { assert } from "../../kernel/assert.js";
import type { Ratio } from "../../kernel/units.js";

/**
 * Per dimension from the second on: the degree of its primitive polynomial, the polynomial's inner coefficients as
 * bits, and the first direction numbers. Source: S. Joe and F. Y. Kuo, Constructing Sobol sequences with better
 * two-dimensional projections, SIAM J. Sci. Comput. 30 (2008), table new-joe-kuo-6.
 */
const TABLE: readonly (readonly [degree: number, inner: number, first: readonly number[]])[] = [
  [1, 0, [1]],
  [2, 1, [1, 3]],
  [3, 1, [1, 3, 1]],
  [3, 2, [1, 1, 1]],
  [4, 1, [1, 1, 3, 3]],
  [4, 4, [1, 3, 5, 13]],
  [5, 2, [1, 1, 5, 5, 17]],
  [5, 4, [1, 1, 5, 5, 5]],
  [5, 7, [1, 1, 7, 11, 19]],
  [5, 11, [1, 1, 5, 1, 1]],
  [5, 13, [1, 1, 1, 3, 11]],
  [5, 14, [1, 3, 5, 5, 31]],
  [6, 1, [1, 3, 3, 9, 7, 49]],
  [6, 13, [1, 1, 1, 15, 21, 21]],
  [6, 16, [1, 3, 1, 13, 27, 49]],
];

export const MOST_SOBOL_DIMENSIONS = TABLE.length + 1;
const BITS = 32;
const TWO_POW_MINUS_32 = 1 / 4_294_967_296;

/** The point of this index, counted from 0, in the unit box; point 0 is its corner. In the order of the Gray code. */
export function sobolPoint(index: number, dimensions: number): readonly Ratio[] {
  assert(dimensions <= MOST_SOBOL_DIMENSIONS, "the table of direction numbers has so many dimensions");
  const gray = (index ^ (index >>> 1)) >>> 0;
  return Array.from({ length: dimensions }, (_, dimension) => {
    const directions = directionsOf(dimension);
    let bits = 0;
    for (let bit = 0; bit < BITS; bit += 1) if (((gray >>> bit) & 1) === 1) bits ^= directions[bit];
    return (bits >>> 0) * TWO_POW_MINUS_32;
  });
}

const known = new Map<number, readonly number[]>();

/** The direction numbers of one dimension as binary fractions of 32 digits. */
function directionsOf(dimension: number): readonly number[] {
  const found = known.get(dimension);
  if (found !== undefined) return found;
  const directions = dimension === 0 ? Array.from({ length: BITS }, (_, bit) => (1 << (31 - bit)) >>> 0) : recurrence(...TABLE[dimension - 1]);
  known.set(dimension, directions);
  return directions;
}

function recurrence(degree: number, inner: number, first: readonly number[]): readonly number[] {
  const directions = first.map((number, bit) => (number << (31 - bit)) >>> 0);
  for (let bit = degree; bit < BITS; bit += 1) {
    const back = directions[bit - degree];
    let next = back ^ (back >>> degree);
    for (let term = 1; term < degree; term += 1) if (((inner >>> (degree - 1 - term)) & 1) === 1) next ^= directions[bit - term];
    directions.push(next >>> 0);
  }
  return directions;
}
