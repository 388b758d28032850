// Questions to a sweep's rows: DuckDB over Parquet or NDJSON, as one view `runs` with a row per run and release.

import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { DuckDBConnection } from "@duckdb/node-api";
import { storageError, StorageError } from "../storage/storage-error.js";
import { finishedParts } from "./parts.js";
import type { Manifest } from "./plan.js";
import { readManifest } from "./sweep.js";

export const PARQUET = "runs.parquet";

export type Cell = string | number | boolean | null;

export interface QueryAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** The SQL is wrong, in DuckDB's words. */
export class QueryError extends Error {
  override readonly name = "QueryError";
}

/** The rows of a sweep, open for questions. Close it at the end. */
export class SweepRows {
  readonly manifest: Manifest;
  readonly #connection: DuckDBConnection;

  private constructor(manifest: Manifest, connection: DuckDBConnection) {
    this.manifest = manifest;
    this.#connection = connection;
  }

  /** Opens what the folder has: Parquet, else the finished parts. DuckDB is loaded only here. */
  static async open(folder: string): Promise<SweepRows> {
    const manifest = readManifest(folder);
    const parquet = join(folder, PARQUET);
    const hasParquet = existsSync(parquet);
    if (!hasParquet && finishedParts(folder).length === 0) throw new StorageError(`${folder}: no part is finished yet; go on with --resume`);
    const { DuckDBInstance } = await import("@duckdb/node-api");
    // Nothing is fetched from anywhere: what we need is built in.
    const instance = await DuckDBInstance.create(":memory:", { autoinstall_known_extensions: "false", autoload_known_extensions: "false", memory_limit: "1GB" });
    const connection = await instance.connect();
    const rows = new SweepRows(manifest, connection);
    await connection.run(`create view runs as ${hasParquet ? `select * from read_parquet(${quoted(parquet)})` : flatRows(folder, manifest)}`);
    return rows;
  }

  /** Answers one statement. Throws QueryError. */
  async ask(sql: string): Promise<QueryAnswer> {
    try {
      const reader = await this.#connection.runAndReadAll(sql);
      return { columns: reader.deduplicatedColumnNames(), rows: reader.getRowsJS().map((row) => row.map(cell)) };
    } catch (error) {
      throw new QueryError(error instanceof Error ? error.message : String(error));
    }
  }

  /** Writes the view as Parquet beside the parts, whole or not at all. */
  async writeParquet(folder: string): Promise<void> {
    const path = join(folder, PARQUET);
    const open = `${path}.open`;
    try {
      await this.#connection.run(`copy (from runs) to ${quoted(open)} (format parquet, compression zstd)`);
      renameSync(open, path);
    } catch (error) {
      rmSync(open, { force: true });
      throw /no space|disk.*full/i.test(String(error)) ? new StorageError(`${path}: cannot be written: the disk is full; the NDJSON parts are whole`) : storageError(path, error);
    }
  }

  close(): void {
    this.#connection.closeSync();
  }
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const named = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** Whole numbers of any size as numbers where that is exact, everything unusual as text. */
function cell(value: unknown): Cell {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return value === undefined ? null : JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? Number(inner) : inner));
}

const TIMES = ["releasedAt", "firstTrafficAt", "harmStartsAt", "detectedAt", "mitigatedAt", "restoredAt", "finishedAt", "detection", "mitigation", "recovery"] as const;
const COSTS = ["failedRequests", "slowRequests", "lostOrders", "delay", "rollbacks", "pages", "total"] as const;

/** Column names of times in seconds: the run's clock for what ends in `_at`, else spans from the first harm. */
const timeColumn = (name: string): string => (name.endsWith("At") ? `${snake(name.slice(0, -2))}_at` : snake(name));
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The rows of the finished parts, one per run and release; a run without a result has its failure and no release. */
function flatRows(folder: string, manifest: Manifest): string {
  const files = finishedParts(folder).map((name) => quoted(join(folder, name))).join(", ");
  const struct = (names: readonly string[], type: string): string => `struct(${names.map((name) => `${named(name)} ${type}`).join(", ")})`;
  const paths = manifest.axes.map(({ path }) => path);
  const release = `struct(service varchar, version varchar, truth varchar, result varchar, "by" varchar, cause varchar, classification varchar, "unscoredWhy" varchar, action varchar, "rightAction" varchar, "tookRightAction" boolean, "afterFullExposure" boolean, times ${struct(TIMES, "double")}, impact ${struct(["failedRequests", "slowRequests", "lostOrdersEuro", "shareOfRequests"], "double")}, cost ${struct(COSTS, "double")})`;
  const columns: readonly (readonly [name: string, type: string])[] = [
    ["point", "integer"], ["twin", "varchar"],
    ...(paths.length === 0 ? [] : [["written", struct(paths, "varchar")], ["numbers", struct(paths, "double")]] as const),
    ["key", "varchar"], ["scenario", "varchar"], ["strategy", "varchar"], ["seed", "integer"], ["fidelity", "varchar"], ["digest", "varchar"],
    ["passed", "boolean"], ["releases", `${release}[]`], ["pages", "integer"], ["incidents", "integer"], ["failure", struct(["kind", "message"], "varchar")],
  ];
  const read = `read_json([${files}], format = 'newline_delimited', columns = {${columns.map(([name, type]) => `${named(name)}: ${quoted(type)}`).join(", ")}})`;
  const selected = [
    "point", "twin",
    ...paths.map((path) => `numbers.${named(path)} as ${named(path)}`),
    ...paths.map((path) => `written.${named(path)} as ${named(`${path} as written`)}`),
    "seed", "scenario", "strategy", "fidelity", "passed",
    "r.service", "r.version", "r.truth", "r.result", 'r."by"', "r.cause", "r.classification", 'r."unscoredWhy" as unscored_why', "r.action",
    'r."rightAction" as right_action', 'r."tookRightAction" as took_right_action', 'r."afterFullExposure" as after_full_exposure',
    ...TIMES.map((name) => `r.times.${named(name)} / 1e6 as ${timeColumn(name)}`),
    'r.impact."failedRequests" as failed_requests', 'r.impact."slowRequests" as slow_requests', 'r.impact."shareOfRequests" as share_of_requests',
    ...COSTS.map((name) => `r.cost.${named(name)} as ${name === "total" ? "cost" : `cost_${snake(name)}`}`),
    "pages", "incidents", "key", "digest", "failure.message as failure",
  ];
  return `select ${selected.join(", ")} from (select *, unnest(case when len(releases) > 0 then releases else [null] end) as r from ${read})`;
}
