// Remembers laws by what they were computed from, so that a world's runs share them; a figure never depends on it.

import * as laws from "./law.js";
import type { Law, Wait } from "./law.js";
import { Buckets } from "./projection.js";

/** Above this many remembered results the book starts afresh. */
const ENTRIES_MAX = 60_000;
/** A pair of identities below this is one exact number. */
const ID_SPAN = 67_108_864;

/** Identities count over a process; one that lives for days gets greater ones, whose pairs are told apart as text. */
const pairOf = (a: number, b: number): number | string => (a < ID_SPAN && b < ID_SPAN ? a * ID_SPAN + b : `${a} ${b}`);

/** One per world model. Keys hold identities and quantised numbers only. */
export class LawBook {
  readonly #pairs: Map<number | string, Law>[] = [];
  readonly #named = new Map<string, unknown>();
  readonly #buckets = new Map<string, Buckets>();
  #entries = 0;

  sequence(first: Law, then: Law): Law {
    if (first.id === laws.INSTANT.id) return then;
    if (then.id === laws.INSTANT.id) return first;
    return this.#known(0, first.id, then.id) ?? this.#keep(0, first.id, then.id, laws.sequence(first, then));
  }

  /** Whoever waits inherits `mask` with the chance `share`, taken in eighths. */
  delayed(wait: Wait, law: Law, mask: number, share: number): Law {
    if (wait.none >= 1) return law;
    const eighths = mask === 0 ? 0 : Math.round(share * 8);
    if (eighths === 0) return this.#known(3, wait.id, law.id) ?? this.#keep(3, wait.id, law.id, laws.delayed(wait, law, 0, 0));
    return this.named(`delayed ${wait.id} ${law.id} ${mask} ${eighths}`, () => laws.delayed(wait, law, mask, eighths / 8));
  }

  /** The wait of those who in the end waited `seconds` on average. */
  lasting(wait: Wait, seconds: number): Wait {
    const step = quantisedSeconds(seconds);
    return this.named(`lasting ${wait.id} ${step}`, () => laws.lasting(wait, step));
  }

  attempt(law: Law, timeoutMicros: number): Law {
    return this.#known(1, law.id, timeoutMicros / 1000) ?? this.#keep(1, law.id, timeoutMicros / 1000, laws.attempt(law, timeoutMicros / 1e6));
  }

  forgiven(law: Law): Law {
    return this.#known(2, law.id, 0) ?? this.#keep(2, law.id, 0, laws.forgiven(law));
  }

  retried(one: Law, max: number, backoffMicros: number, granted: number): Law {
    if (max === 0 || one.failShare === 0 || granted <= 0) return one;
    const share = quantised(granted, 256);
    return this.named(`retried ${one.id} ${max} ${backoffMicros} ${share}`, () => laws.retried(one, max, backoffMicros / 1e6, share));
  }

  /** A mixture of two; `share` is the second one's, quantised. */
  blend(first: Law, second: Law, share: number): Law {
    const q = quantisedShare(share);
    if (q <= 0 || first.id === second.id) return first;
    if (q >= 1) return second;
    return this.named(`blend ${first.id} ${second.id} ${q}`, () => laws.mixture([first, second], [1 - q, q]));
  }

  /** A mixture of the first `count`; equal ones are taken together. */
  mixture(parts: readonly Law[], weights: readonly number[], count: number): Law {
    let total = 0;
    for (let i = 0; i < count; i += 1) total += weights[i];
    let mixed = parts[0];
    let so = weights[0];
    for (let i = 1; i < count; i += 1) {
      so += weights[i];
      if (so > 0) mixed = this.blend(mixed, parts[i], weights[i] / so);
    }
    return total > 0 ? mixed : parts[0];
  }

  /** A failure after exactly this long. */
  failureAt(seconds: number): Law {
    return this.named(`fails after ${seconds}`, () => laws.failsAfter(0, 0, seconds));
  }

  refused(blame: number): Law {
    return this.named(`refused ${blame}`, () => laws.refused(blame));
  }

  neverAnswers(mask: number): Law {
    return this.named(`never ${mask}`, () => laws.neverAnswers(mask));
  }

  stretched(law: Law, factor: number, addSeconds: number, mask: number): Law {
    return this.named(`stretched ${law.id} ${factor} ${addSeconds} ${mask}`, () => laws.stretched(law, factor, addSeconds, mask));
  }

  /** The buckets with these edges, with what they remember of laws. */
  buckets(edges: Float64Array): Buckets {
    const name = edges.join(" ");
    let known = this.#buckets.get(name);
    if (known === undefined) this.#buckets.set(name, (known = new Buckets(edges)));
    return known;
  }

  /** Remembers any result under a name that says everything it depends on. */
  named<T>(name: string, make: () => T): T {
    const known = this.#named.get(name);
    if (known !== undefined) return known as T;
    const made = make();
    this.#admit();
    this.#named.set(name, made);
    return made;
  }

  // Asking and keeping are apart, so that what is known costs no closure.

  #known(operation: number, a: number, b: number): Law | undefined {
    return this.#pairs[operation]?.get(pairOf(a, b));
  }

  #keep(operation: number, a: number, b: number, made: Law): Law {
    this.#admit();
    (this.#pairs[operation] ??= new Map<number | string, Law>()).set(pairOf(a, b), made);
    return made;
  }

  #admit(): void {
    this.#entries += 1;
    if (this.#entries <= ENTRIES_MAX) return;
    this.#pairs.length = 0;
    this.#named.clear();
    this.#entries = 1;
  }
}

const quantised = (value: number, steps: number): number => Math.round(value * steps) / steps;

/** In steps of 1/256 of a doubling. */
function quantisedSeconds(seconds: number): number {
  if (seconds < 1e-4) return 0;
  let unit = 1e-4;
  while (unit * 2 <= seconds) unit *= 2;
  return Math.round((seconds / unit) * 256) * (unit / 256);
}

/** Shares near 0 and 1 keep a relative precision of about 1 %, the others 1/1024. */
export function quantisedShare(share: number): number {
  if (share > 0.5) return 1 - quantisedShare(1 - share);
  if (share >= 1 / 64) return Math.round(share * 2048) / 2048;
  if (share < 1e-7) return 0;
  let unit = 1 / 64;
  while (share < unit) unit /= 2;
  return Math.round((share / unit) * 32) * (unit / 32);
}
