// How a balancer spreads what a pool holds over its replicas: what an arrival finds, given the total.

import { stationary } from "./birth-death.js";
import type { QueueShape } from "./queue-shape.js";
/** What a balancer of several choices makes of a mean number per replica. */
export interface Spread {
  readonly mean: number;
  readonly busy: number;
  readonly waits: number;
  readonly waitMean: number;
  readonly waitSquare: number;
}

const ITERATIONS_MAX = 400;
const ENOUGH = 1e-9;

/** Beyond this load of the mean field every replica is full, and more in the system is more in every queue. */
const FULL_AT = 0.97;
const SPREADS = 80;

/** One spread for each total whose mean number some load of the mean field comes near. */
export function spreadsOf(shape: QueueShape): Spread[] {
  if (shape.replicas === 2) return spreadsOfTwo(shape);
  const spreads: Spread[] = [{ mean: 0, busy: 0, waits: 0, waitMean: 0, waitSquare: 0 }];
  let last = 0;
  for (let i = 1; i <= SPREADS; i += 1) {
    const share = meanFieldAt(shape, (FULL_AT * i) / SPREADS);
    let mean = 0;
    for (let n = 0; n < share.length; n += 1) mean += share[n] * n;
    const total = Math.round(mean * shape.replicas);
    if (total <= last) continue;
    last = total;
    spreads.push(spreadGiven(shape, share, total));
  }
  return spreads;
}

/** Fixed point of the supermarket model: a replica with n is joined at a rate of load x (P(>= n)^d - P(> n)^d) / P(n). */
function meanFieldAt({ choices, slots, places }: QueueShape, load: number): Float64Array {
  const states = slots + Math.min(places, 60) + 1;
  const offered = load * slots;
  const up = new Float64Array(states).fill(offered);
  const down = Float64Array.from({ length: states }, (_, n) => Math.min(n, slots));
  const tail = new Float64Array(states + 1);
  let share = stationary(up, down);
  for (let i = 0; i < ITERATIONS_MAX; i += 1) {
    for (let n = states - 1; n >= 0; n -= 1) tail[n] = tail[n + 1] + share[n];
    for (let n = 0; n + 1 < states; n += 1) {
      const joined = share[n] > 1e-14 ? (offered * (wholePower(tail[n], choices) - wholePower(tail[n + 1], choices))) / share[n] : up[n];
      up[n] = 0.5 * up[n] + 0.5 * Math.max(joined, 1e-12);
    }
    up[states - 1] = 0;
    const next = stationary(up, down);
    let change = 0;
    for (let n = 0; n < states; n += 1) change += Math.abs(next[n] - share[n]);
    share = next;
    if (change < ENOUGH) break;
  }
  return share;
}

/** Two replicas side by side are few enough to be worked out as they are, with this many waiting places each. */
const PAIR_PLACES = 12;
const PAIR_LOAD = 0.85;
const PAIR_ROUNDS = 300;
/** The shorter queue is joined, so that the two hardly ever differ by this many: for each more it is less than half as likely. */
const PAIR_APART_MAX = 64;

/** The chain of both numbers, solved by sweeps; how a total is split hardly depends on the load that brought it about. */
function spreadsOfTwo({ slots, places }: QueueShape): Spread[] {
  const most = slots + Math.min(places, PAIR_PLACES);
  const width = most + 1;
  const offered = 2 * slots * PAIR_LOAD;
  const now = new Float64Array(width * width);
  const lowest = (a: number): number => Math.max(0, a - PAIR_APART_MAX);
  const highest = (a: number): number => Math.min(most, a + PAIR_APART_MAX);
  for (let a = 0; a < width; a += 1) now.fill(1 / (width * width), a * width + lowest(a), a * width + highest(a) + 1);
  const joined = (n: number, other: number): number => (n >= most ? 0 : n < other || other >= most ? offered : n === other ? offered / 2 : 0);
  for (let round = 0; round < PAIR_ROUNDS; round += 1) {
    for (let a = 0; a < width; a += 1) {
      for (let b = lowest(a); b <= highest(a); b += 1) {
        const out = joined(a, b) + joined(b, a) + Math.min(a, slots) + Math.min(b, slots);
        let into = 0;
        if (a > 0) into += now[(a - 1) * width + b] * joined(a - 1, b);
        if (b > 0) into += now[a * width + b - 1] * joined(b - 1, a);
        if (a < most) into += now[(a + 1) * width + b] * Math.min(a + 1, slots);
        if (b < most) into += now[a * width + b + 1] * Math.min(b + 1, slots);
        now[a * width + b] = into / out;
      }
    }
  }
  const spreads: Spread[] = [];
  for (let total = 0; total <= most + slots; total += 1) spreads.push(splitOfTwo(now, width, slots, total));
  return spreads;
}

/** Below this the smallest numbers lose their digits. */
const RAREST = 1e-290;

/** What an arrival finds when two replicas have `total` between them: it joins the less busy one. */
function splitOfTwo(chances: Float64Array, width: number, slots: number, total: number): Spread {
  let [all, busy, waits, waitMean, waitSquare] = [0, 0, 0, 0, 0];
  for (let a = Math.max(0, total - width + 1); a <= Math.min(total, width - 1); a += 1) {
    const b = total - a;
    const chance = chances[a * width + b];
    all += chance;
    busy += (chance * (Math.min(a, slots) + Math.min(b, slots))) / 2;
    const wait = (Math.min(a, b) - slots + 1) / slots;
    if (wait <= 0) continue;
    waits += chance;
    waitMean += chance * wait;
    waitSquare += chance * wait * (wait + 1 / slots);
  }
  // With very many slots so few at a time are rarer than a number can say: both are at work on their halves.
  if (all < RAREST) return { mean: total / 2, busy: Math.min(total / 2, slots), waits: 0, waitMean: 0, waitSquare: 0 };
  return { mean: total / 2, busy: busy / all, waits: waits / all, waitMean: waitMean / all, waitSquare: waitSquare / all };
}

/** Numbers in a replica rarer than this do not matter to how a total is spread. */
const UNLIKELY = 1e-7;

/**
 * How `total` requests are spread over the replicas, when each alone would follow `share`: independent replicas given
 * their sum. (Left to themselves their sum would scatter, and the total's own fluctuation would count twice.) The
 * balancer looks at distinct replicas and joins the least busy.
 */
function spreadGiven({ replicas, choices, slots }: QueueShape, share: Float64Array, total: number): Spread {
  let states = share.length;
  while (states > slots + 1 && share[states - 1] < UNLIKELY) states -= 1;
  const one = share.slice(0, states);
  const others = sumOf(one, replicas - 1);
  const unseen = sumOf(one, replicas - choices);
  let [all, busy] = [0, 0];
  for (let n = 0; n <= Math.min(total, states - 1); n += 1) {
    const chance = one[n] * (others[total - n] ?? 0);
    all += chance;
    busy += chance * Math.min(n, slots);
  }
  let [waits, waitMean, waitSquare] = [0, 0, 0];
  let atLeast = allAtLeast(one, slots, choices, unseen, total) / all;
  for (let n = slots; n < states && atLeast > UNLIKELY; n += 1) {
    const more = n + 1 < states ? allAtLeast(one, n + 1, choices, unseen, total) / all : 0;
    const joins = atLeast - more;
    const wait = (n - slots + 1) / slots;
    waits += joins;
    waitMean += joins * wait;
    waitSquare += joins * wait * (wait + 1 / slots);
    atLeast = more;
  }
  return { mean: total / replicas, busy: busy / all, waits, waitMean, waitSquare };
}

/** The chance that `count` replicas have `least` or more each, and `total` together with those that are not seen. */
function allAtLeast(one: Float64Array, least: number, count: number, unseen: Float64Array, total: number): number {
  const seen = sumOf(one.map((chance, n) => (n < least ? 0 : chance)), count);
  let chance = 0;
  for (let n = 0; n <= Math.min(total, seen.length - 1); n += 1) chance += seen[n] * (unseen[total - n] ?? 0);
  return chance;
}

/** The law of the sum of `count` independent numbers that each follow `one`. */
function sumOf(one: Float64Array, count: number): Float64Array {
  let sum: Float64Array = Float64Array.of(1);
  let power = one;
  for (let left = count; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) sum = convolved(sum, power);
    if (left > 1) power = convolved(power, power);
  }
  return sum;
}

function convolved(a: Float64Array, b: Float64Array): Float64Array {
  const sum = new Float64Array(a.length + b.length - 1);
  for (let i = 0; i < a.length; i += 1) {
    if (a[i] === 0) continue;
    for (let j = 0; j < b.length; j += 1) sum[i + j] += a[i] * b[j];
  }
  return sum;
}

export function wholePower(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i += 1) result *= base;
  return result;
}

/** The spread at a mean number between (or beyond) the known ones. */
export function between(spreads: readonly Spread[], cursor: number, mean: number, slots: number): Spread {
  const low = spreads[cursor];
  const high = spreads[cursor + 1];
  if (mean <= high.mean) {
    const t = (mean - low.mean) / (high.mean - low.mean);
    return {
      mean,
      busy: low.busy + (high.busy - low.busy) * t,
      waits: low.waits + (high.waits - low.waits) * t,
      waitMean: low.waitMean + (high.waitMean - low.waitMean) * t,
      waitSquare: low.waitSquare + (high.waitSquare - low.waitSquare) * t,
    };
  }
  // Every queue is longer by as much; the last free slots and the last who need not wait go within a few places.
  const more = mean - high.mean;
  const fade = 1 / (1 + more);
  const waits = 1 - (1 - high.waits) * fade;
  const shift = more / slots;
  return {
    mean,
    busy: slots - (slots - high.busy) * fade,
    waits,
    waitMean: high.waitMean + shift,
    waitSquare: high.waitSquare + 2 * shift * high.waitMean + shift * shift + shift / slots,
  };
}
