// Whom one waits behind: how many holders of a slot or connection were slowed by each release.

export class SlowCounts {
  /** A bit for each release that slowed at least one holder. */
  mask = 0;
  readonly #counts: Int32Array;

  constructor(releases: number) {
    this.#counts = new Int32Array(releases);
  }

  /** A holder carries these releases from now on. */
  add(mask: number): void {
    if (mask !== 0) this.#count(mask, 1);
  }

  /** A holder with these releases leaves. */
  remove(mask: number): void {
    if (mask !== 0) this.#count(mask, -1);
  }

  /** All holders are gone at once. */
  clear(): void {
    this.#counts.fill(0);
    this.mask = 0;
  }

  #count(mask: number, step: 1 | -1): void {
    for (let rest = mask; rest !== 0; ) {
      const release = 31 - Math.clz32(rest);
      const bit = 1 << release;
      rest &= ~bit;
      this.#counts[release] += step;
      if (this.#counts[release] > 0) this.mask |= bit;
      else this.mask &= ~bit;
    }
  }
}
