// Sums that keep what rounding would lose, as Prometheus' sum and avg do (Kahan's algorithm with Neumaier's correction).

export class Sums {
  readonly #sums: Float64Array;
  readonly #lost: Float64Array;

  constructor(length: number) {
    this.#sums = new Float64Array(length);
    this.#lost = new Float64Array(length);
  }

  clear(): void {
    this.#sums.fill(0);
    this.#lost.fill(0);
  }

  add(i: number, value: number): void {
    const sum = this.#sums[i];
    const next = sum + value;
    this.#lost[i] += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    this.#sums[i] = next;
  }

  total(i: number): number {
    return this.#sums[i] + this.#lost[i];
  }
}
