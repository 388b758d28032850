// Counter-based random draws: a value depends only on seed, stream, entity and index, never on what was drawn before.

import seedrandom from "seedrandom";

/** Names one stream of one run: two 32-bit halves of a key. */
export interface StreamKey {
  readonly k0: number;
  readonly k1: number;
}

/** The key of the stream called `stream` in the run with `seed`; make it once and keep it. */
export function streamKey(seed: number, stream: string): StreamKey {
  const generator = seedrandom(`${seed}/${stream}`);
  return { k0: generator.int32(), k1: generator.int32() };
}

const TWO_POW_26 = 67_108_864;
const TWO_POW_32 = 4_294_967_296;
const TWO_POW_MINUS_32 = 1 / TWO_POW_32;
const TWO_POW_MINUS_52 = 1 / (TWO_POW_26 * TWO_POW_26);

/**
 * A uniform draw in the open interval (0, 1), with 52 random bits, symmetrical about a half.
 * `entity` is an integer below 2^53 (an arrival, a user, a tick); `index` an integer below 2^32 (a retry, a bucket).
 *
 * The hash is a Feistel network of multiply-xorshift rounds over two 32-bit lanes: for a fixed key it is a
 * bijection of (entity's low half, index), so that no two of those draws share their 64 bits.
 */
export function uniform(key: StreamKey, entity: number, index: number): number {
  let a = entity | 0;
  let b = Math.imul(index, 0x85ebca6b) ^ key.k1;
  if (entity !== a) b = (b + Math.imul(Math.floor(entity * TWO_POW_MINUS_32) + 1, 0xc2b2ae35)) | 0;
  a = Math.imul(a, 0x9e3779b1) ^ key.k0;
  a = Math.imul(a ^ (a >>> 16), 0x7feb352d);
  b = (b + a) | 0;
  b = Math.imul(b ^ (b >>> 15), 0x846ca68b);
  a = (a ^ b ^ (b >>> 16)) + key.k1;
  a = Math.imul(a ^ (a >>> 15), 0x2c1b3c6d);
  b = (b + (a ^ (a >>> 13))) | 0;
  b = Math.imul(b ^ (b >>> 16), 0x297a2d39);
  a = a ^ b ^ (b >>> 15);
  a ^= a >>> 14;
  return ((a >>> 6) * TWO_POW_26 + (b >>> 6) + 0.5) * TWO_POW_MINUS_52;
}

/**
 * The draws at `index`, `index + 1`, ... of one entity: those of `uniform`, to the bit, `count` of them into `into` from
 * `at` on. What index does not enter is hashed once, and no draw leaves through a call, where it would be boxed.
 */
export function uniforms(key: StreamKey, entity: number, index: number, count: number, into: Float64Array, at: number): void {
  const { k0, k1 } = key;
  let a0 = entity | 0;
  const high = entity === a0 ? 0 : Math.imul(Math.floor(entity * TWO_POW_MINUS_32) + 1, 0xc2b2ae35);
  a0 = Math.imul(a0, 0x9e3779b1) ^ k0;
  a0 = Math.imul(a0 ^ (a0 >>> 16), 0x7feb352d);
  for (let i = 0; i < count; i += 1) {
    let b = ((Math.imul(index + i, 0x85ebca6b) ^ k1) + high + a0) | 0;
    b = Math.imul(b ^ (b >>> 15), 0x846ca68b);
    let a = (a0 ^ b ^ (b >>> 16)) + k1;
    a = Math.imul(a ^ (a >>> 15), 0x2c1b3c6d);
    b = (b + (a ^ (a >>> 13))) | 0;
    b = Math.imul(b ^ (b >>> 16), 0x297a2d39);
    a = a ^ b ^ (b >>> 15);
    a ^= a >>> 14;
    into[at + i] = ((a >>> 6) * TWO_POW_26 + (b >>> 6) + 0.5) * TWO_POW_MINUS_52;
  }
}
