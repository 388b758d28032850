// Kubernetes' autoscaler: desired = ceil(current x cpu / target), with a tolerance, and patience before it scales down.

import type { Micros } from "../../kernel/units.js";
import type { ServiceModel } from "../model.js";
import type { Core } from "./core.js";
import { ReplicaState, type Replica } from "./replica.js";

/** No change while the average is within a tenth of the target (Kubernetes' default). */
const TOLERANCE = 0.1;
/** A version below this weight is a canary, whose size the rollout sets. */
const FULL_VERSION_WEIGHT = 0.5;

export class Autoscaler {
  readonly #core: Core;
  /** By version: what was wanted at recent rounds, newest last; scaling down goes to their highest. */
  readonly #wanted: { at: Micros; count: number }[][];

  constructor(core: Core) {
    this.#core = core;
    this.#wanted = core.model.versions.map(() => []);
  }

  start(): void {
    for (const service of this.#core.model.services) {
      if (service.spec.autoscale !== null) this.#schedule(service, service.spec.autoscale.interval);
    }
  }

  #schedule(service: ServiceModel, interval: Micros): void {
    this.#core.agenda.at(this.#core.now + interval, () => {
      this.#round(service);
      this.#schedule(service, interval);
    });
  }

  #round(service: ServiceModel): void {
    const core = this.#core;
    service.versions.forEach((version, place) => {
      const cpu = this.#averageCpu(core.lifecycle.byVersion[version]);
      if (core.balancers[service.index].weights[place] < FULL_VERSION_WEIGHT) this.#wanted[version].length = 0;
      else if (cpu >= 0) this.#adjust(service, version, cpu);
    });
  }

  #adjust(service: ServiceModel, version: number, cpu: number): void {
    const core = this.#core;
    const { min, max, targetCpu, downAfter } = service.spec.autoscale!;
    const current = core.lifecycle.desired[version];
    const ready = core.lifecycle.readyCount(version);
    const ratio = cpu / targetCpu;
    const raw = Math.abs(ratio - 1) <= TOLERANCE ? current : Math.ceil(ready * ratio);
    const wanted = this.#wanted[version];
    wanted.push({ at: core.now, count: Math.min(max, Math.max(min, raw)) });
    while (wanted[0].at < core.now - downAfter) wanted.shift();
    const highest = wanted.reduce((most, { count }) => Math.max(most, count), 0);
    // Up at once; down only to what was enough all the time.
    const latest = wanted[wanted.length - 1].count;
    const next = latest > current ? latest : Math.min(current, highest);
    if (next === current) return;
    core.note("autoscaled", service.spec.name, core.model.versions[version].name,
      `${service.spec.name} ${core.model.versions[version].name} from ${current} to ${next} replicas at ${Math.round(cpu * 100)} % CPU`);
    core.lifecycle.scale(version, next);
  }

  /** Over the time since the last round; -1 when no replica is ready. */
  #averageCpu(replicas: readonly Replica[]): number {
    const now = this.#core.now;
    let sum = 0;
    let count = 0;
    for (const replica of replicas) {
      const work = replica.workUntil(now, 0);
      const elapsed = now - replica.scaledAt;
      const busy = elapsed > 0 ? (work - replica.workScaled) / elapsed : replica.workingBy[0];
      replica.workScaled = work;
      replica.scaledAt = now;
      if (replica.state !== ReplicaState.ready) continue;
      sum += Math.min(1, replica.cpuIdle + replica.cpuPerWork * busy + replica.cpuAdd);
      count += 1;
    }
    return count === 0 ? -1 : sum / count;
  }
}
