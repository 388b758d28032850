// The law of an answer: how likely it succeeds or fails, how long it takes, and whose defects it carries.

import { addAtom, addMass, atom, convolve, cutAt, EMPTY_MASS, firstMoment, GRID_POINTS, massOf, massUpTo, scaleMass, secondMoment, type Mass } from "./grid.js";

/** Answers that carry exactly the releases in `mask` (bit r is release r). */
export interface Part {
  readonly mask: number;
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
}

/** What a request waits before its own work: with probability `none` nothing. */
export interface Wait {
  readonly id: number;
  readonly none: number;
  readonly waiting: Mass;
}

/** Time that counts as for ever: past every timeout. */
const NEVER_SECONDS = 260;
/** At more parts than this the rarest masks are merged into their neighbours. */
const PARTS_MAX = 16;

let lastId = 0;
/** A new identity; used only to remember results, so its value never reaches a figure. */
export function freshId(): number {
  lastId += 1;
  return lastId;
}

/** Gathers masses by mask into a law. */
export class LawBuilder {
  readonly #ok = new Map<number, Float64Array>();
  readonly #fail = new Map<number, Float64Array>();

  ok(mask: number, mass: Mass, factor = 1): this {
    if (mass.total * factor > 0) addMass(slot(this.#ok, mask), mass, factor);
    return this;
  }

  fail(mask: number, mass: Mass, factor = 1): this {
    if (mass.total * factor > 0) addMass(slot(this.#fail, mask), mass, factor);
    return this;
  }

  failAt(mask: number, seconds: number, probability: number): this {
    if (probability > 0) addAtom(slot(this.#fail, mask), seconds, probability);
    return this;
  }

  build(): Law {
    const masks = [...new Set([...this.#ok.keys(), ...this.#fail.keys()])].sort((a, b) => a - b).slice(0, PARTS_MAX);
    const parts = masks.map((mask) => ({ mask, ok: massAt(this.#ok, mask), fail: massAt(this.#fail, mask) }));
    return lawOf(parts);
  }
}

function slot(into: Map<number, Float64Array>, mask: number): Float64Array {
  let at = into.get(mask);
  if (at === undefined) into.set(mask, (at = new Float64Array(GRID_POINTS)));
  return at;
}

function massAt(from: Map<number, Float64Array>, mask: number): Mass {
  const at = from.get(mask);
  return at === undefined ? EMPTY_MASS : massOf(at);
}

/** Wraps parts; rounding in long chains is taken out by dividing by the total. */
export function lawOf(parts: readonly Part[]): Law {
  let total = 0;
  for (const part of parts) total += part.ok.total + part.fail.total;
  const fix = 1 / total;
  let ok = 0;
  let mean = 0;
  let square = 0;
  const scaled = parts.map((part) => ({ mask: part.mask, ok: scaleMass(part.ok, fix), fail: scaleMass(part.fail, fix) }));
  for (const part of scaled) {
    ok += part.ok.total;
    mean += firstMoment(part.ok) + firstMoment(part.fail);
    square += secondMoment(part.ok) + secondMoment(part.fail);
  }
  return { id: freshId(), parts: scaled, okShare: ok, failShare: Math.max(0, 1 - ok), meanSeconds: mean, meanSquare: square };
}

const NOTHING = atom(0);
/** Succeeds at once. */
export const INSTANT: Law = lawOf([{ mask: 0, ok: NOTHING, fail: EMPTY_MASS }]);

/** Fails at once. */
export function refused(mask: number): Law {
  return lawOf([{ mask, ok: EMPTY_MASS, fail: NOTHING }]);
}

/** Never answers: the caller's timeout ends it. */
export function neverAnswers(mask: number): Law {
  return lawOf([{ mask, ok: EMPTY_MASS, fail: atom(NEVER_SECONDS) }]);
}

/** First the one, then, when it succeeded, the other. */
export function sequence(first: Law, then: Law): Law {
  const builder = new LawBuilder();
  for (const a of first.parts) {
    builder.fail(a.mask, a.fail);
    for (const b of then.parts) {
      builder.ok(a.mask | b.mask, convolve(a.ok, b.ok)).fail(a.mask | b.mask, convolve(a.ok, b.fail));
    }
  }
  return builder.build();
}

/** A wait before; whoever waits inherits `mask`. */
export function delayed(wait: Wait, law: Law, mask: number): Law {
  const builder = new LawBuilder();
  for (const part of law.parts) {
    builder.ok(part.mask, part.ok, wait.none).fail(part.mask, part.fail, wait.none);
    builder.ok(part.mask | mask, convolve(wait.waiting, part.ok)).fail(part.mask | mask, convolve(wait.waiting, part.fail));
  }
  return builder.build();
}

/** The law as seen by a caller that gives up after `timeoutSeconds`. */
export function attempt(law: Law, timeoutSeconds: number): Law {
  const builder = new LawBuilder();
  for (const part of law.parts) {
    const ok = cutAt(part.ok, timeoutSeconds);
    const fail = cutAt(part.fail, timeoutSeconds);
    builder.ok(part.mask, ok.within).fail(part.mask, fail.within);
    builder.failAt(part.mask, timeoutSeconds, ok.beyond + fail.beyond);
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
      builder.ok(a.mask, a.ok).fail(a.mask, a.fail, 1 - granted);
      const before = convolve(a.fail, pause);
      for (const b of total.parts) {
        builder.ok(a.mask | b.mask, convolve(before, b.ok), granted);
        builder.fail(a.mask | b.mask, convolve(before, b.fail), granted);
      }
    }
    total = builder.build();
  }
  return total;
}

/** A mixture; weights are divided by their sum. */
export function mixture(laws: readonly Law[], weights: readonly number[]): Law {
  const builder = new LawBuilder();
  laws.forEach((law, i) => {
    for (const part of law.parts) builder.ok(part.mask, part.ok, weights[i]).fail(part.mask, part.fail, weights[i]);
  });
  return builder.build();
}

/** A failure counts as a success: an optional call's caller goes on. */
export function forgiven(law: Law): Law {
  const builder = new LawBuilder();
  for (const part of law.parts) builder.ok(part.mask, part.ok).ok(part.mask, part.fail);
  return builder.build();
}

/** P(succeeds and takes longer than `seconds`). */
export function slowShare(law: Law, seconds: number): number {
  let slow = 0;
  for (const part of law.parts) slow += part.ok.total - massUpTo(part.ok, seconds);
  return slow;
}
