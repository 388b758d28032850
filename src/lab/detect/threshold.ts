// From shares at a few sizes to the size that reaches a share: a rising curve through the points, and where it crosses.

/** A measured share at a size. */
export interface CurvePoint {
  readonly size: number;
  readonly share: number;
  /** How much the share counts; the number of runs. */
  readonly weight: number;
}

/** Where a rising curve reaches a share: at a size, before the smallest or after the largest that was tried. */
export type Crossing = { readonly kind: "at"; readonly size: number } | { readonly kind: "below" | "above"; readonly size: number };

/**
 * The rising curve that fits the points best: neighbours that fall are pooled, since a larger regression is no harder to
 * see. Source: M. Ayer, H. Brunk, G. Ewing, W. Reid, E. Silverman, Ann. Math. Stat. 26 (1955): pool adjacent violators.
 */
export function risingCurve(points: readonly CurvePoint[]): readonly CurvePoint[] {
  const pools: { share: number; weight: number; members: CurvePoint[] }[] = [];
  for (const point of points) {
    let pool = { share: point.share, weight: point.weight, members: [point] };
    for (let last = pools.at(-1); last !== undefined && last.share >= pool.share; last = pools.at(-1)) {
      pools.pop();
      const weight = last.weight + pool.weight;
      pool = { share: (last.share * last.weight + pool.share * pool.weight) / weight, weight, members: [...last.members, ...pool.members] };
    }
    pools.push(pool);
  }
  return pools.flatMap(({ share, members }) => members.map(({ size, weight }) => ({ size, share, weight })));
}

/**
 * The smallest size at which the curve reaches `share`, straight between two points on the scale that `along` gives
 * (logarithms for ratios). The points are in the order of their sizes; null without any.
 */
export function crossing(points: readonly CurvePoint[], share: number, along: { readonly to: (size: number) => number; readonly from: (place: number) => number }): Crossing | null {
  const curve = risingCurve(points);
  const after = curve.findIndex((point) => point.share >= share);
  const last = curve.at(-1);
  if (last === undefined) return null;
  if (after < 0) return { kind: "above", size: last.size };
  if (after === 0) return { kind: "below", size: curve[0].size };
  const [a, b] = [curve[after - 1], curve[after]];
  const part = (share - a.share) / (b.share - a.share);
  // A point that lies on the share is the answer to the last digit.
  if (part >= 1) return { kind: "at", size: b.size };
  return { kind: "at", size: along.from(along.to(a.size) + (along.to(b.size) - along.to(a.size)) * part) };
}
