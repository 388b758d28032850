// Scrape targets that show no replica: the platform's view of a version, a database, the flag service.

import { streamKey, uniform } from "../../kernel/draws.js";
import { poissonFrom } from "../../kernel/distributions/poisson.js";
import { MICROS_PER_MILLI } from "../../kernel/units.js";
import { databaseSchema, flagServiceSchema, platformSchema, type DatabaseSchema, type FlagServiceSchema, type PlatformSchema } from "../../telemetry/schema.js";
import type { SeriesStore } from "../../telemetry/store.js";
import { windowOpen } from "../active-effects.js";
import type { DatabasePool } from "./database-pool.js";
import type { VersionState } from "./service-state.js";
import type { Stage } from "./stage.js";
import type { Targets } from "./targets.js";

/** Restarts, failed starts and replicas of a version, as the platform counts them. */
export function addPlatformTarget(store: SeriesStore, targets: Targets, version: VersionState): void {
  const { fleet } = version;
  const labels = { service: fleet.service.spec.name, version: fleet.version.name };
  const schema: PlatformSchema = platformSchema(labels);
  const target = store.addTarget({ id: `platform-${labels.service}-${labels.version}`, labels, schema });
  targets.watch(target, () => {
    const ready = fleet.count("ready");
    for (let lane = 0; lane < target.live.length; lane += 1) {
      const values = target.live[lane];
      values[schema.restartsIndex] = fleet.restarts[lane];
      values[schema.startupFailuresIndex] = fleet.startupFailures[lane];
      values[schema.readyIndex] = ready;
      values[schema.desiredIndex] = fleet.desired;
    }
  });
}

/** Queries and timeouts of a database, drawn at its scrapes. */
export function addDatabaseTarget(stage: Stage, store: SeriesStore, targets: Targets, database: DatabasePool): void {
  const { noiseFree } = stage;
  const { index, spec } = database.model;
  const schema: DatabaseSchema = databaseSchema({ database: spec.name });
  const target = store.addTarget({ id: `database-${spec.name}`, labels: { database: spec.name }, schema });
  const key = streamKey(stage.model.seed, "cohort/database");
  targets.watch(target, (now) => {
    const entity = Math.round(now / MICROS_PER_MILLI);
    const drawn = (expected: Float64Array, what: number, lane: number): number =>
      noiseFree ? expected[lane] : poissonFrom(uniform(key, entity, index * 8 + what), expected[lane]);
    for (const [lane, values] of target.live.entries()) {
      // One uniform for all lanes: what a release does not touch counts the same.
      values[schema.queriesIndex] += drawn(database.queries, 0, lane);
      values[schema.poolTimeoutsIndex] += drawn(database.poolTimeouts, 1, lane);
      values[schema.queryTimeoutsIndex] += drawn(database.queryTimeouts, 2, lane);
      values[schema.poolInUseIndex] = database.inUse[lane];
      values[schema.poolWaitingIndex] = noiseFree ? database.waiting : Math.round(database.waiting);
    }
    database.queries.fill(0);
    database.poolTimeouts.fill(0);
    database.queryTimeouts.fill(0);
  });
}

/** Whether the flag service is up. */
export function addFlagTarget(stage: Stage, store: SeriesStore, targets: Targets): void {
  const schema: FlagServiceSchema = flagServiceSchema();
  const target = store.addTarget({ id: "flag-service", labels: {}, schema });
  targets.watch(target, (now) => {
    const up = windowOpen(stage.model.effects, "flag-service-down", now) ? 0 : 1;
    for (const values of target.live) values[schema.upIndex] = up;
  });
}
