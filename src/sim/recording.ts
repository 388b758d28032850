// What a run writes down at each record instant: the truth's books, the split, and what telemetry showed.

import type { Micros, Ratio } from "../kernel/units.js";
import type { Answer, Selector, TelemetryQuery } from "../telemetry/query.js";
import { LEDGER_COLUMNS, LEDGER_EDGES, type Ledger, type LedgerCell } from "../world/ledger.js";
import type { VersionStatus } from "../world/world.js";
import type { PlayedWorld } from "./stage.js";

/** A version that charts and rules follow, with the index of its release (null for a stable version). */
export interface TrackedVersion {
  readonly service: string;
  readonly version: string;
  readonly release: number | null;
}

/** One version's state at a record instant. Seen figures are null where telemetry had no answer. */
export interface VersionRow {
  readonly weight: Ratio;
  readonly replicas: number;
  /** Requests inside, served or queued; 0 for a service as a whole. */
  readonly inside: number;
  readonly seenErrorRate: number | null;
  readonly seenP95Seconds: number | null;
}

/** The truth's books at one instant. */
export interface Books {
  readonly at: Micros;
  /** cells x LEDGER_COLUMNS, cumulative. */
  readonly totals: Float64Array;
  /** cells x (LEDGER_EDGES + 1), cumulative; empty in light detail. */
  readonly histogram: Float64Array;
  /** By cell: up to when the books were closed then; NaN (or absent): up to `at`. */
  readonly closedAt?: Float64Array;
}

export interface RecordRow extends Books {
  /** As the recorder's `services`: all versions of each together. */
  readonly services: readonly VersionRow[];
  /** As the recorder's `tracked`. */
  readonly versions: readonly VersionRow[];
}

export interface RecorderInput {
  readonly world: PlayedWorld;
  readonly tracked: readonly TrackedVersion[];
  /** Services that rules look at as a whole. */
  readonly services: readonly string[];
  /** Width of the windows that seen figures are asked over. */
  readonly window: Micros;
  /** Close the world's books at each row: the twins' windows need that, a run's rows show what the last scrapes closed. */
  readonly settle: boolean;
  /** Ask telemetry for the seen figures (charts and `seen.` rules need them). */
  readonly seen: boolean;
}

/** A version, or a service as a whole, that each row tells of. */
interface Subject {
  /** Of its service among those that the world is asked about. */
  readonly place: number;
  /** Null: all versions together. */
  readonly version: string | null;
  readonly queries: readonly TelemetryQuery[];
}

/** Rows of one block of copies: an array of its own for every row would cost more than what is in it. */
const ROWS_PER_BLOCK = 64;

/** Copies of one table, many to a block of memory. */
class Copies {
  #block = new Float64Array(0);
  #used = 0;

  of(table: Float64Array): Float64Array {
    const { length } = table;
    if (length === 0) return table;
    if (this.#used + length > this.#block.length) {
      this.#block = new Float64Array(length * ROWS_PER_BLOCK);
      this.#used = 0;
    }
    // Not with subarray(), which asks for the array's species first and takes four times as long.
    const copy = new Float64Array(this.#block.buffer, this.#used * Float64Array.BYTES_PER_ELEMENT, length);
    copy.set(table);
    this.#used += length;
    return copy;
  }
}

/** Copies the world's cumulative books row by row, so that any stretch is a difference of two rows. */
export class Recorder {
  readonly rows: RecordRow[] = [];
  readonly tracked: readonly TrackedVersion[];
  readonly services: readonly string[];
  readonly #input: RecorderInput;
  readonly #versionSubjects: readonly Subject[];
  readonly #serviceSubjects: readonly Subject[];
  /** Whom the world is asked about at each row, once each. */
  readonly #asked: readonly string[];
  readonly #totals = new Copies();
  readonly #histograms = new Copies();
  readonly #closed = new Copies();

  constructor(input: RecorderInput) {
    this.#input = input;
    this.tracked = input.tracked;
    this.services = input.services;
    this.#asked = [...new Set([...input.tracked.map(({ service }) => service), ...input.services])];
    const subject = (service: string, version: string | null): Subject => ({
      place: this.#asked.indexOf(service), version,
      queries: seenQueries(version === null ? { service } : { service, version }, input.window),
    });
    this.#versionSubjects = input.tracked.map(({ service, version }) => subject(service, version));
    this.#serviceSubjects = input.services.map((service) => subject(service, null));
  }

  get cells(): readonly LedgerCell[] {
    return this.#input.world.ledger.cells;
  }

  get ledger(): Ledger {
    return this.#input.world.ledger;
  }

  /** Writes a row for the world's present instant. */
  record(): void {
    const { world, settle } = this.#input;
    if (settle) world.settle();
    // The end of the run may fall on a record instant: the later figures stand.
    if (this.rows.at(-1)?.at === world.now()) this.rows.pop();
    const status = this.#asked.map((service) => world.status(service));
    const before = this.rows.at(-1);
    this.rows.push({
      at: world.now(),
      totals: this.#totals.of(world.ledger.totals),
      histogram: this.#histograms.of(world.ledger.histogram),
      ...(world.ledger.closedAt === undefined ? {} : { closedAt: this.#closed.of(world.ledger.closedAt) }),
      versions: this.#rowsOf(this.#versionSubjects, status, before?.versions),
      services: this.#rowsOf(this.#serviceSubjects, status, before?.services),
    });
  }

  /** What is as it was in the row before is kept once: most rows of most runs bring nothing new, and a run keeps hundreds of them. */
  #rowsOf(subjects: readonly Subject[], status: readonly (readonly VersionStatus[])[], before: readonly VersionRow[] | undefined): readonly VersionRow[] {
    if (subjects.length === 0) return NO_ROWS;
    const rows = subjects.map((subject, k) => {
      const row = this.#row(status[subject.place], subject);
      return before !== undefined && isSame(row, before[k]) ? before[k] : row;
    });
    return before !== undefined && rows.every((row, k) => row === before[k]) ? before : rows;
  }

  #row(status: readonly VersionStatus[], { place, version, queries }: Subject): VersionRow {
    const { world, seen } = this.#input;
    let [weight, replicas] = [0, 0];
    for (const one of status) {
      if (version !== null && one.version !== version) continue;
      weight += one.weight;
      replicas += one.ready;
    }
    const inside = version === null ? 0 : world.inFlight(this.#asked[place], version);
    if (!seen) return { weight, replicas, inside, seenErrorRate: null, seenP95Seconds: null };
    const [failed, all, p95] = queries.map((query) => world.telemetry.query(query, world.now()));
    return { weight, replicas, inside, seenErrorRate: seenErrorRate(failed, all), seenP95Seconds: valueOf(p95) };
  }
}

const NO_ROWS: readonly VersionRow[] = [];

/** Every figure that a row has: one that is left out here would stay as it was in the row before. */
const isSame = (a: VersionRow, b: VersionRow): boolean =>
  a.weight === b.weight && a.replicas === b.replicas && a.inside === b.inside && a.seenErrorRate === b.seenErrorRate && a.seenP95Seconds === b.seenP95Seconds;

function seenQueries(where: Selector, window: Micros): TelemetryQuery[] {
  return [
    { fn: "increase", metric: "http_requests_total", where: { ...where, code: "5xx" }, window },
    { fn: "increase", metric: "http_requests_total", where, window },
    { fn: "quantile", metric: "http_request_duration_seconds", q: 0.95, where, window },
  ];
}

const valueOf = (answer: Answer): number | null => (answer.kind === "value" ? answer.value : null);

function seenErrorRate(failed: Answer, all: Answer): number | null {
  const requests = valueOf(all);
  if (requests === null || requests <= 0) return null;
  return (valueOf(failed) ?? 0) / requests;
}

/** The change of one column of one cell between two rows. */
export function columnBetween(from: Books, to: Books, cell: number, column: number): number {
  const at = cell * LEDGER_COLUMNS + column;
  return to.totals[at] - from.totals[at];
}

/**
 * How long each cell's books tell of between two rows, by their places. Cohort closes its books at scrapes, so that each stretch is as
 * long as any other but begins and ends a little early: the first one is cut short by that, and the last one, whose end is closed with
 * the run, has it on top.
 */
export function spanBetween(rows: readonly Books[], from: number, to: number): (cell: number) => Micros {
  const [before, row] = [rows[from], rows[to]];
  if (from > 0 && to < rows.length - 1) return () => row.at - before.at;
  const earliest = rows[Math.max(0, from - 1)].at;
  return (cell) => closedBy(row, cell, before.at) - closedBy(before, cell, earliest);
}

/** Up to when a row's books tell of a cell: what was closed before `earliest` tells of nobody who is still there. */
function closedBy({ at, closedAt }: Books, cell: number, earliest: Micros): Micros {
  const closed = closedAt?.[cell] ?? NaN;
  return closed > earliest ? closed : at;
}

/** Sums a column over the cells that `cells` lists. */
export function sumBetween(from: Books, to: Books, cells: readonly number[], column: number): number {
  let sum = 0;
  for (const cell of cells) sum += columnBetween(from, to, cell, column);
  return sum;
}

/**
 * The q-quantile in seconds of the cells' latencies between two rows: the fine histogram, interpolated
 * linearly within a bucket. Null without an observation.
 */
export function quantileBetween(
  from: Books,
  to: Books,
  cells: readonly number[],
  edgesSeconds: Float64Array,
  q: Ratio,
): number | null {
  if (to.histogram.length === 0) return null;
  const buckets = LEDGER_EDGES + 1;
  const counts = new Float64Array(buckets);
  let total = 0;
  for (const cell of cells) {
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      const count = to.histogram[cell * buckets + bucket] - from.histogram[cell * buckets + bucket];
      counts[bucket] += count;
      total += count;
    }
  }
  if (!(total > 0)) return null;
  let below = 0;
  for (let bucket = 0; bucket < LEDGER_EDGES; bucket += 1) {
    if (below + counts[bucket] >= q * total) {
      const lower = bucket === 0 ? edgesSeconds[0] / 2 : edgesSeconds[bucket - 1];
      const share = counts[bucket] === 0 ? 1 : (q * total - below) / counts[bucket];
      return interpolateEdge(lower, edgesSeconds[bucket], share);
    }
    below += counts[bucket];
  }
  return edgesSeconds[LEDGER_EDGES - 1];
}

/** Between two bucket edges, linearly: within a factor of 1.19 the difference to geometric is below 0.4 %. */
const interpolateEdge = (lower: number, upper: number, share: Ratio): number => lower + (upper - lower) * share;

/** Indices of the cells that satisfy `accept`. */
export function cellsWhere(cells: readonly LedgerCell[], accept: (cell: LedgerCell) => boolean): number[] {
  return cells.flatMap((cell, index) => (accept(cell) ? [index] : []));
}
