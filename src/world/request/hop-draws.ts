// Which draw of a request is which: fixed numbers per purpose, so that no decision shifts another request's luck.

/** Purposes of a frame's draws; the index of a draw is the frame's base (28 bits) and the purpose (4 bits). */
export const Purpose = {
  user: 0,
  endpoint: 1,
  demand: 2,
  baseError: 3,
  balancing: 4,
  cacheHit: 5,
  cacheMiss: 6,
  conversion: 7,
  reload: 8,
  share: 9,
  linkError: 10,
} as const;

/** Index of the draw for `purpose` of the frame with this base. */
export const drawIndex = (base: number, purpose: number): number => (base << 4) | purpose;

/** A page's base: the first load, then each reload. */
export const pageBase = (reload: number): number => childBase(0, 0, reload);

/**
 * The base of a call's frame from its caller's: the path in the call tree, hashed. The first try's base depends on the
 * path alone, so weights, retries and rollbacks elsewhere leave it as it was.
 */
export function childBase(parentBase: number, position: number, attempt: number): number {
  let h = Math.imul(parentBase + 0x9e3779b9, 0x85ebca6b) ^ Math.imul(position + 1, 0xc2b2ae35) ^ Math.imul(attempt + 1, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 13), 0x297a2d39);
  return (h ^ (h >>> 16)) >>> 4;
}
