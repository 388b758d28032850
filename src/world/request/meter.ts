// Writes what happened into the live telemetry of all lanes and into the service cells of the ledger.

import { MICROS_PER_SECOND, type Micros } from "../../kernel/units.js";
import {
  databaseSchema, flagServiceSchema, platformSchema, serviceSchema,
  type DatabaseSchema, type FlagServiceSchema, type PlatformSchema, type ServiceSchema,
} from "../../telemetry/schema.js";
import { hashedOffset } from "../../telemetry/scraper.js";
import type { Target } from "../../telemetry/store.js";
import { taintedBy } from "../active-effects.js";
import type { EndpointModel } from "../model.js";
import type { Core } from "./core.js";
import type { Replica } from "./replica.js";

export class Meter {
  /** By version. */
  readonly schemas: readonly ServiceSchema[];
  readonly platform: readonly Target<PlatformSchema>[];
  /** By database. */
  readonly databases: readonly Target<DatabaseSchema>[];
  readonly flagService: Target<FlagServiceSchema>;
  readonly #core: Core;
  readonly #slowAfter: Micros;
  readonly #lanes: number;

  constructor(core: Core) {
    this.#core = core;
    const { model, input } = core;
    const { bucketEdgesSeconds: edgesSeconds, init } = model.spec.telemetry;
    this.#lanes = model.lanes;
    this.#slowAfter = input.slowAfterSeconds === null ? Infinity : input.slowAfterSeconds * MICROS_PER_SECOND;
    this.schemas = model.versions.map((version) => {
      const { spec } = model.services[version.service];
      return serviceSchema({
        service: spec.name, version: version.name, endpoints: spec.endpoints.map((e) => e.name), edgesSeconds, init,
      });
    });
    this.platform = model.versions.map((version) => {
      const labels = { service: model.services[version.service].spec.name, version: version.name };
      return this.#register(`platform-${labels.service}-${labels.version}`, labels, platformSchema(labels));
    });
    this.databases = model.databases.map(({ spec }) =>
      this.#register(`database-${spec.name}`, { database: spec.name }, databaseSchema({ database: spec.name })));
    this.flagService = this.#register("flag-service", {}, flagServiceSchema());
    for (const live of this.flagService.live) live[this.flagService.schema.upIndex] = 1;
  }

  /** A new replica becomes a scrape target; it does not answer its scrapes before it is ready. */
  addReplica(replica: Replica): void {
    const schema = this.schemas[replica.version.index];
    const labels = { service: replica.service.spec.name, version: replica.version.name, replica: replica.name };
    replica.target = this.#register(replica.name, labels, schema);
    replica.target.responding = false;
    replica.live = replica.target.live;
    replica.offset = hashedOffset(this.#core.input.seed, replica.name, this.#core.model.spec.telemetry.scrape);
  }

  removeReplica(replica: Replica): void {
    if (replica.target === null) return;
    this.#core.scraper.remove(replica.target, this.#core.now);
    replica.target = null;
    replica.live = [];
  }

  /** A replica answered: counters, histogram and sum in every lane that its releases do not leave it out of. */
  answered(replica: Replica, endpoint: EndpointModel, failed: boolean, latency: Micros, taint: number, segment: number): void {
    const schema = this.schemas[replica.version.index];
    const slot = endpoint.slot;
    const seconds = latency / MICROS_PER_SECOND;
    const requests = schema.requestsIndex(slot, failed ? 1 : 0);
    const bucket = schema.bucketIndex(slot, schema.bucketOf(seconds));
    const sum = schema.sumIndex(slot);
    const { live } = replica;
    for (let lane = 0; lane < live.length; lane++) {
      if (lane > 0 && (taint & (1 << (lane - 1))) !== 0) continue;
      const values = live[lane];
      values[requests] += 1;
      values[bucket] += 1;
      values[sum] += seconds;
    }
    const { ledger } = this.#core;
    const slow = latency > this.#slowAfter;
    const cell = ledger.serviceCell(replica.version.index, slot, segment);
    ledger.observe(cell, latency, failed, slow);
    if (taint !== 0) ledger.countHarmed(cell, failed, slow);
  }

  /** Orders of a page that this replica answered; `lanes` has a bit per lane in which the page converts. */
  converted(replica: Replica, endpoint: EndpointModel, lanes: number): void {
    const schema = this.schemas[replica.version.index];
    const conversions = schema.conversionsIndex(endpoint.slot);
    const value = schema.orderValueIndex(endpoint.slot);
    for (let lane = 0; lane < replica.live.length; lane++) {
      if ((lanes & (1 << lane)) === 0) continue;
      replica.live[lane][conversions] += 1;
      replica.live[lane][value] += endpoint.spec.orderValue;
    }
  }

  /** Adds 1 to a counter of the database, or of the platform, in every lane that `taint` does not leave out. */
  count(target: Target, column: number, taint: number): void {
    for (let lane = 0; lane < this.#lanes; lane++) {
      if (lane === 0 || !taintedBy(taint, lane - 1)) target.live[lane][column] += 1;
    }
  }

  #register<Schema extends ServiceSchema | PlatformSchema | DatabaseSchema | FlagServiceSchema>(
    id: string, labels: Target["labels"], schema: Schema,
  ): Target<Schema> {
    const { store, scraper, queue, input, model } = this.#core;
    const target = store.addTarget({ id, labels, schema });
    scraper.register(target, hashedOffset(input.seed, id, model.spec.telemetry.scrape), this.#core.now);
    // A replica that the autoscaler adds may be scraped before anybody else: the world must not run past that.
    queue.until[0] = Math.min(queue.until[0], scraper.nextAt());
    return target;
  }
}
