// One row of the benchmark table.

export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What is aimed at, in words; empty when the row only informs. */
  readonly target: string;
  readonly met: boolean | null;
}
