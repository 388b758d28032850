// The law of an answer: how likely it succeeds or fails, how long it takes, and whose defects it carries.

import { addAtom, addMass, atom, convolve, cutAt, EMPTY_MASS, firstMoment, GRID_POINTS, GRID_SECONDS, massOf, scaleMass, secondMoment, type Mass } from "./grid.js";

/** Answers whose time the releases in `mask` changed and whose failure those in `blame` caused (bit r is release r). */
export interface Part {
  readonly mask: number;
  readonly blame: number;
  readonly ok: Mass;
  readonly fail: Mass;
}

/** A probability law; the totals of all its parts sum to 1. */
export interface Law {
  /** Names the law within its book, for memory of what was computed from it. */
  readonly id: number;
  readonly parts: readonly Part[];
  readonly okShare: number;
  readonly failShare: number;
  readonly meanSeconds: number;
  readonly meanSquare: number;
  /** Releases that change some answers' time, and the mean time spent on those answers. */
  readonly slowMask: number;
  readonly slowSeconds: number;
}

/** What a request waits before its own work: with probability `none` nothing. */
export interface Wait {
  readonly id: number;
  readonly none: number;
  readonly waiting: Mass;
}

/** Time that counts as for ever: past every timeout. */
const NEVER_SECONDS = 260;
/** Masks have at most 30 bits, so that mask and blame make one exact number. */
const MASK_SPAN = 1_073_741_824;

let lastId = 0;
/** A new identity; used only to remember results, so its value never reaches a figure. */
export function freshId(): number {
  lastId += 1;
  return lastId;
}

/** Gathers masses by mask and blame into a law. */
export class LawBuilder {
  readonly #ok = new Map<number, Float64Array>();
  readonly #fail = new Map<number, Float64Array>();

  ok(mask: number, mass: Mass, factor = 1): this {
    if (mass.total * factor > 0) addMass(slot(this.#ok, mask), mass, factor);
    return this;
  }

  fail(mask: number, blame: number, mass: Mass, factor = 1): this {
    if (mass.total * factor > 0) addMass(slot(this.#fail, mask + blame * MASK_SPAN), mass, factor);
    return this;
  }

  failAt(mask: number, blame: number, seconds: number, probability: number): this {
    if (probability > 0) addAtom(slot(this.#fail, mask + blame * MASK_SPAN), seconds, probability);
    return this;
  }

  build(): Law {
    const keys = [...new Set([...this.#ok.keys(), ...this.#fail.keys()])].sort((a, b) => a - b);
    return lawOf(keys.map((key) => ({
      mask: key % MASK_SPAN, blame: Math.floor(key / MASK_SPAN), ok: massAt(this.#ok, key), fail: massAt(this.#fail, key),
    })));
  }
}

function slot(into: Map<number, Float64Array>, key: number): Float64Array {
  let at = into.get(key);
  if (at === undefined) into.set(key, (at = new Float64Array(GRID_POINTS)));
  return at;
}

function massAt(from: Map<number, Float64Array>, key: number): Mass {
  const at = from.get(key);
  return at === undefined ? EMPTY_MASS : massOf(at);
}

/** Wraps parts; rounding in long chains is taken out by dividing by the total. */
export function lawOf(parts: readonly Part[]): Law {
  let total = 0;
  for (const part of parts) total += part.ok.total + part.fail.total;
  const fix = 1 / total;
  let [ok, mean, square, slowMask, slowSeconds] = [0, 0, 0, 0, 0];
  const scaled = parts.map((part) => ({ ...part, ok: scaleMass(part.ok, fix), fail: scaleMass(part.fail, fix) }));
  for (const part of scaled) {
    const seconds = firstMoment(part.ok) + firstMoment(part.fail);
    ok += part.ok.total;
    mean += seconds;
    square += secondMoment(part.ok) + secondMoment(part.fail);
    if (part.mask === 0) continue;
    slowMask |= part.mask;
    slowSeconds += seconds;
  }
  return { id: freshId(), parts: scaled, okShare: ok, failShare: Math.max(0, 1 - ok), meanSeconds: mean, meanSquare: square, slowMask, slowSeconds };
}

const NOTHING = atom(0);
/** Succeeds at once. */
export const INSTANT: Law = lawOf([{ mask: 0, blame: 0, ok: NOTHING, fail: EMPTY_MASS }]);

/** Fails at once. */
export function refused(blame: number): Law {
  return lawOf([{ mask: 0, blame, ok: EMPTY_MASS, fail: NOTHING }]);
}

/** Never answers: the caller's timeout ends it. */
export function neverAnswers(mask: number): Law {
  return lawOf([{ mask, blame: mask, ok: EMPTY_MASS, fail: atom(NEVER_SECONDS) }]);
}

/** Succeeds after exactly this long. */
export function takes(mask: number, seconds: number): Law {
  return lawOf([{ mask, blame: 0, ok: atom(seconds), fail: EMPTY_MASS }]);
}

/** Fails after exactly this long. */
export function failsAfter(mask: number, blame: number, seconds: number): Law {
  return lawOf([{ mask, blame, ok: EMPTY_MASS, fail: atom(seconds) }]);
}

/** First the one, then, when it succeeded, the other. */
export function sequence(first: Law, then: Law): Law {
  const builder = new LawBuilder();
  for (const a of first.parts) {
    builder.fail(a.mask, a.blame, a.fail);
    for (const b of then.parts) {
      builder.ok(a.mask | b.mask, convolve(a.ok, b.ok)).fail(a.mask | b.mask, b.blame, convolve(a.ok, b.fail));
    }
  }
  return builder.build();
}

/** A wait before; of those who wait, `share` inherit `mask` from what they wait for. */
export function delayed(wait: Wait, law: Law, mask: number, share: number): Law {
  const builder = new LawBuilder();
  for (const part of law.parts) {
    builder.ok(part.mask, part.ok, wait.none).fail(part.mask, part.blame, part.fail, wait.none);
    const ok = convolve(wait.waiting, part.ok);
    const fail = convolve(wait.waiting, part.fail);
    builder.ok(part.mask, ok, 1 - share).fail(part.mask, part.blame, fail, 1 - share);
    builder.ok(part.mask | mask, ok, share).fail(part.mask | mask, part.blame, fail, share);
  }
  return builder.build();
}

/** The wait stretched (or shortened) to this mean: its shape stays. */
export function lasting(wait: Wait, seconds: number): Wait {
  const mean = firstMoment(wait.waiting);
  if (seconds <= 0) return { id: freshId(), none: 1, waiting: EMPTY_MASS };
  if (mean <= 0) return { id: freshId(), none: 0, waiting: atom(seconds) };
  return { id: freshId(), none: wait.none, waiting: stretchMass(wait.waiting, seconds / mean, 0) };
}

/** The law as seen by a caller that gives up after `timeoutSeconds`: then what slowed the answer is to blame. */
export function attempt(law: Law, timeoutSeconds: number): Law {
  const builder = new LawBuilder();
  for (const part of law.parts) {
    const ok = cutAt(part.ok, timeoutSeconds);
    const fail = cutAt(part.fail, timeoutSeconds);
    builder.ok(part.mask, ok.within).fail(part.mask, part.blame, fail.within);
    builder.failAt(part.mask, part.mask, timeoutSeconds, ok.beyond + fail.beyond);
  }
  return builder.build();
}

/** Up to `max` more attempts after failures, of which the budget grants a share, each after `backoffSeconds`. */
export function retried(one: Law, max: number, backoffSeconds: number, granted: number): Law {
  let total = one;
  const pause = atom(backoffSeconds);
  for (let n = 0; n < max && granted > 0 && one.failShare > 0; n += 1) {
    const builder = new LawBuilder();
    for (const a of one.parts) {
      builder.ok(a.mask, a.ok).fail(a.mask, a.blame, a.fail, 1 - granted);
      const before = convolve(a.fail, pause);
      for (const b of total.parts) {
        builder.ok(a.mask | a.blame | b.mask, convolve(before, b.ok), granted);
        builder.fail(a.mask | a.blame | b.mask, b.blame, convolve(before, b.fail), granted);
      }
    }
    total = builder.build();
  }
  return total;
}

/** A mixture; weights sum to 1. */
export function mixture(laws: readonly Law[], weights: readonly number[]): Law {
  const builder = new LawBuilder();
  laws.forEach((law, i) => {
    for (const part of law.parts) builder.ok(part.mask, part.ok, weights[i]).fail(part.mask, part.blame, part.fail, weights[i]);
  });
  return builder.build();
}

/** A failure counts as a success: an optional call's caller goes on, slowed by what failed. */
export function forgiven(law: Law): Law {
  const builder = new LawBuilder();
  for (const part of law.parts) builder.ok(part.mask, part.ok).ok(part.mask | part.blame, part.fail);
  return builder.build();
}

/** Every duration x factor + add, by the releases in `mask`: an answer that crosses a slow link. */
export function stretched(law: Law, factor: number, addSeconds: number, mask: number): Law {
  const builder = new LawBuilder();
  for (const part of law.parts) {
    builder.ok(part.mask | mask, stretchMass(part.ok, factor, addSeconds));
    builder.fail(part.mask | mask, part.blame, stretchMass(part.fail, factor, addSeconds));
  }
  return builder.build();
}

function stretchMass(mass: Mass, factor: number, addSeconds: number): Mass {
  const at = new Float64Array(GRID_POINTS);
  for (let k = mass.first; k <= mass.last; k += 1) addAtom(at, GRID_SECONDS[k] * factor + addSeconds, mass.at[k]);
  return massOf(at);
}
