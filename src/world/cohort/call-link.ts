// A call as one version makes it: timeout, retries with their budget, breaker; its law and how many attempts it costs.

import { toSeconds } from "../../kernel/units.js";
import type { CallModel } from "../model.js";
import { massUpTo } from "./grid.js";
import type { LawBook } from "./law-book.js";
import { INSTANT, type Law } from "./law.js";
import type { BreakerState } from "./breaker-state.js";

/** What budgets allow: the share of failed attempts that are tried again. */
function grantedShare(call: CallModel, failing: number): number {
  const { max, budget } = call.retries;
  if (max === 0 || failing <= 0) return 0;
  let low = 0;
  let high = 1;
  if (retriesPerCall(failing, 1, max) <= budget) return 1;
  for (let i = 0; i < 30; i += 1) {
    const middle = (low + high) / 2;
    if (retriesPerCall(failing, middle, max) > budget) high = middle;
    else low = middle;
  }
  return low;
}

function retriesPerCall(failing: number, granted: number, max: number): number {
  let retries = 0;
  let chance = 1;
  for (let n = 0; n < max; n += 1) {
    chance *= failing * granted;
    retries += chance;
  }
  return retries;
}

/** P(the callee answers with a failure in time). */
function failingBy(law: Law, timeoutMicros: number): number {
  let failing = 0;
  for (const part of law.parts) if (part.fail.total > 0) failing += massUpTo(part.fail, toSeconds(timeoutMicros));
  return failing;
}

/** One per caller's version, call and user class. */
export class CallLink {
  /** What the caller's request gets, the calls it does not make included. */
  law: Law = INSTANT;
  /** Attempts per request that comes this far. */
  attempts: number;
  /** Share of requests that come this far and fail here. */
  fails = 0;
  /** Attempts per second, and how many of them fail: what the breaker watches. */
  rate = 0;
  /** The rate one round of the fixed point before. */
  before = 0;
  failing = 0;

  /** While the breaker is open: attempts per second when it opened, and how many would fail now. */
  rateAtOpening = 0;
  wouldFail = 0;

  /** Share of attempts that the caller gives up. */
  timedOut = 0;
  /** Share of attempts that reach the callee: the others are lost on the link. */
  reaching = 1;

  /** What the law was worked out from. */
  #callee: Law | null = null;
  #open = false;

  constructor(readonly call: CallModel) {
    this.attempts = call.share;
  }

  /** Works out the law from what the callee answers. */
  update(book: LawBook, callee: Law, breaker: BreakerState | null): void {
    const { call } = this;
    const open = breaker?.open === true;
    if (callee === this.#callee && open === this.#open) return;
    if (open && !this.#open) this.rateAtOpening = this.rate;
    this.#callee = callee;
    this.#open = open;
    if (breaker !== null && open) {
      this.timedOut = 0;
      this.wouldFail = book.attempt(callee, call.timeout).failShare;
      this.#take(book, book.refused(breaker.blame), 0, 0);
      return;
    }
    const one = book.attempt(callee, call.timeout);
    this.timedOut = Math.max(0, one.failShare - failingBy(callee, call.timeout));
    const granted = grantedShare(call, one.failShare);
    const law = book.retried(one, call.retries.max, call.retries.backoff, granted);
    this.#take(book, law, 1 + retriesPerCall(one.failShare, granted, call.retries.max), one.failShare);
  }

  #take(book: LawBook, law: Law, attempts: number, failing: number): void {
    const { call } = this;
    const kept = call.optional ? book.forgiven(law) : law;
    this.law = book.blend(INSTANT, kept, call.share);
    this.fails = call.optional ? 0 : call.share * law.failShare;
    this.attempts = call.share * attempts;
    this.failing = failing;
  }
}
