// What was sent and is not answered yet, and how large the next batch should be.

import type { Bundle } from "../bundle.js";
import { groupName, type Detail, type Job } from "../runner.js";
import type { Fidelity } from "../../world/world.js";
import type { Group } from "./protocol.js";
import type { KeptResult } from "../storage/result-file.js";

/** Thread time that a batch should take: long against the way through Redis, short against what a lost worker costs. */
const BATCH_MILLIS = 1000;
const MOST = { row: 256, outcome: 8 } as const;
/** Before anything was measured. */
const FIRST: Readonly<Record<Fidelity, number>> = { cohort: 8, request: 1 };

/** A batch that was sent. */
export interface Waiting {
  readonly batch: number;
  readonly jobs: readonly Job[];
  readonly groups: readonly Group[];
  readonly bundles: ReadonlyMap<string, Bundle>;
  /** How often a batch of this run alone took its workers down. */
  readonly deaths: number;
  expects(group: string, detail: Detail, seed: number): boolean;
}

const nameOf = (group: string, detail: Detail, seed: number): string => `${group}:${detail}:${seed}`;

/** Jobs as data: seeds by bundle, fidelity and detail, in the order of the jobs. */
export function groupsOf(jobs: readonly Job[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const { bundle, fidelity, detail, seed } of jobs) {
    const name = `${bundle.hash}:${fidelity}:${detail}`;
    const group = groups.get(name) ?? { hash: bundle.hash, fidelity, detail, seeds: [] };
    groups.set(name, group);
    group.seeds.push(seed);
  }
  return [...groups.values()];
}

export class Outstanding {
  readonly #waiting = new Map<number, Waiting>();
  readonly #names = new Map<string, number>();
  /** Results that came and are not delivered yet: bounded by how far the jobs may be ahead. */
  readonly #kept = new Map<string, KeptResult>();
  readonly #millisPerRun = new Map<Fidelity, number>();
  #next = 0;

  get batches(): number {
    return this.#waiting.size;
  }

  get runs(): number {
    return this.#names.size;
  }

  all(): readonly Waiting[] {
    return [...this.#waiting.values()];
  }

  get(batch: number): Waiting | undefined {
    return this.#waiting.get(batch);
  }

  has(job: Job): boolean {
    return this.#names.has(nameOf(groupName(job), job.detail, job.seed));
  }

  add(jobs: readonly Job[], deaths = 0): Waiting {
    const batch = this.#next++;
    const distinct = [...new Map(jobs.map((job) => [nameOf(groupName(job), job.detail, job.seed), job])).values()];
    for (const job of distinct) this.#names.set(nameOf(groupName(job), job.detail, job.seed), batch);
    const waiting: Waiting = {
      batch,
      jobs: distinct,
      groups: groupsOf(distinct),
      bundles: new Map(distinct.map(({ bundle }) => [bundle.hash, bundle])),
      deaths,
      expects: (group, detail, seed) => this.#names.get(nameOf(group, detail, seed)) === batch,
    };
    this.#waiting.set(batch, waiting);
    return waiting;
  }

  delete(batch: number): void {
    const waiting = this.#waiting.get(batch);
    this.#waiting.delete(batch);
    for (const job of waiting?.jobs ?? []) this.#names.delete(nameOf(groupName(job), job.detail, job.seed));
  }

  clear(): void {
    this.#waiting.clear();
    this.#names.clear();
    this.#kept.clear();
  }

  keep(group: string, detail: Detail, seed: number, result: KeptResult): void {
    this.#kept.set(nameOf(group, detail, seed), result);
  }

  /** A kept result, for the last time: from now on it is in the file only. */
  taken(job: Job): KeptResult | null {
    const name = nameOf(groupName(job), job.detail, job.seed);
    const kept = this.#kept.get(name) ?? null;
    this.#kept.delete(name);
    return kept;
  }

  /** A run of this batch took so long on one thread. */
  took({ jobs: [first] }: Waiting, millis: number): void {
    const before = this.#millisPerRun.get(first.fidelity);
    this.#millisPerRun.set(first.fidelity, before === undefined ? millis : 0.7 * before + 0.3 * millis);
  }

  batchSize(fidelity: Fidelity, detail: Detail): number {
    const most = detail === "row" ? MOST.row : MOST.outcome;
    const millis = this.#millisPerRun.get(fidelity);
    return Math.min(most, millis === undefined ? FIRST[fidelity] : Math.max(1, Math.round(BATCH_MILLIS / Math.max(0.1, millis))));
  }
}
