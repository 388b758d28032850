// The continuous uniform distribution between two bounds.

/** The uniform variable between `from` and `to` at the uniform draw u in (0, 1), increasing in u. */
export function uniformFrom(u: number, from: number, to: number): number {
  return from + u * (to - from);
}
