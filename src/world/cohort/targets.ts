// Which scrape target shows which replica, and what each target is given before a scrape: drawn counts and gauges.

import type { Micros } from "../../kernel/units.js";
import { serviceSchema } from "../../telemetry/schema.js";
import { hashedOffset, type Scraper } from "../../telemetry/scraper.js";
import type { SeriesStore, Target } from "../../telemetry/store.js";
import { replicaName } from "../replicas.js";
import type { Books } from "./books.js";
import type { Replica } from "./replica.js";
import { ServiceTarget } from "./service-target.js";
import type { VersionState } from "./service-state.js";
import type { Stage } from "./stage.js";

/** A target that shows no replica, and who writes it before its next scrape. */
interface Watched {
  next: Micros;
  readonly write: (now: Micros) => void;
}

export class Targets {
  readonly #stage: Stage;
  readonly #accounts: Books;
  readonly #store: SeriesStore;
  readonly #scraper: Scraper;
  readonly #shown: ServiceTarget[] = [];
  readonly #watched: Watched[] = [];
  /** Memory in use by lane, while a target's gauges are written: of the fullest replica, as a check over replicas would see it. */
  readonly #memory: Float64Array;

  constructor(stage: Stage, accounts: Books, store: SeriesStore, scraper: Scraper) {
    this.#memory = new Float64Array(store.lanes);
    this.#stage = stage;
    this.#accounts = accounts;
    this.#store = store;
    this.#scraper = scraper;
  }

  // --- scrapes ---

  scrape(at: Micros): void {
    for (const target of this.#shown) if (target.nextScrape === at) this.#flush(target, at);
    const interval = this.#stage.model.spec.telemetry.scrape;
    for (const watched of this.#watched) {
      if (at < watched.next) continue;
      watched.write(at);
      watched.next = at + interval;
    }
    // No target tells of pages that nobody took: they are booked with the first scrape that is due, and with its masks.
    for (const version of this.#stage.versions) this.#accounts.drawStranded(version, at);
    this.#scraper.scrapeDue(at);
    for (const target of this.#shown) if (target.nextScrape === at) target.nextScrape += interval;
  }

  /** Books everything up to now. */
  settle(): void {
    const now = this.#stage.now();
    for (const target of this.#shown) this.draw(target, now);
    for (const version of this.#stage.versions) this.#accounts.drawStranded(version, now);
  }

  draw(target: ServiceTarget, at: Micros): void {
    const version = this.#stage.versions[target.version];
    for (const pool of version.pools) {
      if (pool.target === target) for (const cell of pool.cells) this.#accounts.settleCell(pool, cell);
    }
    this.#accounts.draw(target, version, at);
  }

  /** Books what the pools did so far; they are grouped anew before time goes on. */
  book(version: VersionState): void {
    for (const pool of version.pools) for (const cell of pool.cells) this.#accounts.settleCell(pool, cell);
    version.stale = true;
  }

  /** Has a target that shows no replica written before each of its scrapes. */
  watch(target: Target, write: (now: Micros) => void): void {
    const { model } = this.#stage;
    const { scrape } = model.spec.telemetry;
    const offset = hashedOffset(model.seed, target.id, scrape);
    this.#scraper.register(target, offset, 0);
    this.#watched.push({ next: offset, write });
  }

  #flush(target: ServiceTarget, at: Micros): void {
    this.draw(target, at);
    this.#writeGauges(target, this.#stage.versions[target.version]);
  }

  #writeGauges(target: ServiceTarget, version: VersionState): void {
    const { noiseFree } = this.#stage;
    const { fleet } = version;
    const { live, schema } = target.target;
    const { limit } = fleet.service.spec.memory;
    let [inFlight, queued] = [0, 0];
    for (const pool of version.pools) {
      if (pool.target !== target) continue;
      inFlight += pool.inSystem * pool.replicas.length;
      queued += Math.max(0, pool.inSystem - pool.queue.point(pool.load).busy) * pool.replicas.length;
    }
    const memory = this.#memory;
    memory.fill(0);
    for (const replica of fleet.replicas) {
      if (replica.target !== target || replica.phase === "gone") continue;
      for (let lane = 0; lane < live.length; lane += 1) memory[lane] = Math.max(memory[lane], fleet.memory(replica, lane) / limit);
    }
    for (let lane = 0; lane < live.length; lane += 1) {
      const values = live[lane];
      const cpu = target.gaugedSeconds > 0 ? target.cpuSeconds[lane] / target.gaugedSeconds : fleet.service.spec.cpu.idle;
      values[schema.cpuIndex] = Math.min(1, cpu);
      values[schema.memoryIndex] = Math.min(1, memory[lane]);
      values[schema.inFlightIndex] = noiseFree ? inFlight : Math.round(inFlight);
      values[schema.queueIndex] = noiseFree ? queued : Math.round(queued);
    }
    target.cpuSeconds.fill(0);
    target.gaugedSeconds = 0;
  }

  // --- who is shown by which target ---

  /** The version's target shows the replica too. */
  join(replica: Replica): void {
    const main = this.#main(this.#stage.versions[replica.version.index]);
    main.members += 1;
    main.target.offsets = [...main.target.offsets, this.#offsetOf(replica)];
    replica.target = main;
  }

  /** When in each interval the replica would be scraped by itself. */
  #offsetOf({ name }: Pick<Replica, "name">): Micros {
    const { seed, spec } = this.#stage.model;
    return hashedOffset(seed, name, spec.telemetry.scrape);
  }

  /** The version's target, for all replicas that are not singled out. */
  #main(version: VersionState): ServiceTarget {
    if (version.main !== null) return version.main;
    const { fleet } = version;
    const id = `${fleet.service.spec.name}-${fleet.version.name}`;
    // One replica's offset, not the mean of all: then a window holds as many scrapes, as old, as it does of any replica.
    version.main = this.#make(version, this.#freeId(id), null, this.#offsetOf({ name: replicaName(fleet.service.spec.name, fleet.version.name, 0) }));
    return version.main;
  }

  /** Singles the replica out; what it did so far stays with the target that it shared. */
  single(replica: Replica): ServiceTarget {
    const version = this.#stage.versions[replica.version.index];
    this.book(version);
    this.leave(replica);
    const target = this.#make(version, this.#freeId(replica.name), replica.name, this.#offsetOf(replica));
    target.members = 1;
    replica.target = target;
    return target;
  }

  /** The replica's target shows it no more; one that shows nobody goes. */
  leave(replica: Replica): void {
    const { target } = replica;
    if (target === null) return;
    const now = this.#stage.now();
    replica.target = null;
    target.members -= 1;
    target.target.offsets = without(target.target.offsets, this.#offsetOf(replica));
    if (target.members > 0) return;
    this.draw(target, now);
    this.#scraper.remove(target.target, now);
    this.#shown.splice(this.#shown.indexOf(target), 1);
    const version = this.#stage.versions[target.version];
    if (version.main === target) version.main = null;
  }

  #make(version: VersionState, id: string, replica: string | null, offset: Micros): ServiceTarget {
    const { model, classes } = this.#stage;
    const { fleet } = version;
    const { telemetry } = model.spec;
    const service = fleet.service.spec.name;
    const schema = serviceSchema({
      service, version: fleet.version.name, endpoints: fleet.service.endpoints.map((endpoint) => endpoint.spec.name),
      edgesSeconds: telemetry.bucketEdgesSeconds, init: telemetry.init,
    });
    const labels = { service, version: fleet.version.name, ...(replica === null ? {} : { replica }) };
    const target = this.#store.addTarget({ id, labels, schema });
    const now = this.#stage.now();
    const made = new ServiceTarget(target, fleet.version.index, fleet.service.endpoints.length * classes.count,
      this.#accounts.buckets.count, model.releases, model.seed);
    made.nextScrape = offset + Math.max(0, Math.ceil((now - offset) / telemetry.scrape)) * telemetry.scrape;
    this.#scraper.register(target, offset, now);
    this.#shown.push(made);
    return made;
  }

  #freeId(id: string): string {
    let name = id;
    for (let n = 2; this.#store.targets.some((target) => target.id === name); n += 1) name = `${id}#${n}`;
    return name;
  }
}

/** The list with one such entry less. */
function without(offsets: readonly Micros[], gone: Micros): readonly Micros[] {
  const place = offsets.indexOf(gone);
  return offsets.filter((_, index) => index !== place);
}
