// A run's fingerprint: a rolling 64-bit digest of numbers and text, equal on every machine and Node version.

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
double[0] = 1;
/** Where a double's high word lies in `words`: it depends on the machine's byte order. */
const HIGH = words[1] === 0 ? 0 : 1;
const LOW = 1 - HIGH;

/**
 * Two 32-bit lanes that stir each other; the order of what is added matters. Not for cryptography:
 * it tells runs apart, it does not withstand an adversary.
 */
export class Digest {
  #a = 0x243f6a88;
  #b = 0x85a308d3 | 0;

  /** Adds a number; -0 counts as 0, and every NaN is the same. */
  add(value: number): void {
    const integer = value | 0;
    if (integer === value) {
      this.#stir(integer, 0);
      return;
    }
    double[0] = value === value ? value : 0;
    this.#stir(words[LOW], value === value ? words[HIGH] : 0x7ff80000);
  }

  /** Adds a text, its length first, so that ("ab", "c") differs from ("a", "bc"). */
  addText(text: string): void {
    this.#stir(text.length, 0x74657874);
    for (let i = 0; i < text.length; i += 2) {
      this.#stir(text.charCodeAt(i), i + 1 < text.length ? text.charCodeAt(i + 1) : 0);
    }
  }

  /** The digest so far, as 16 hexadecimal digits; more may be added afterwards. */
  hex(): string {
    let a = this.#a;
    let b = this.#b;
    for (let round = 0; round < 2; round += 1) {
      a = finish(a ^ b);
      b = finish((b + a) | 0);
    }
    return (a >>> 0).toString(16).padStart(8, "0") + (b >>> 0).toString(16).padStart(8, "0");
  }

  #stir(low: number, high: number): void {
    let a = this.#a ^ low;
    let b = (this.#b + high) | 0;
    a = Math.imul(a ^ (a >>> 15), 0x2c1b3c6d);
    b = Math.imul(b ^ a ^ (b >>> 16), 0x85ebca6b);
    this.#a = (a + ((b << 13) | (b >>> 19))) | 0;
    this.#b = (b + 0x9e3779b9) | 0;
  }
}

/** A bijective avalanche of 32 bits (murmur3's finaliser). */
function finish(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
