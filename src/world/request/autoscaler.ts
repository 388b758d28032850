// Asks the services' autoscalers again and again, and scales their versions as they say.

import { AUTOSCALED_FROM_WEIGHT, Autoscaler } from "../autoscaling.js";
import type { ServiceModel } from "../model.js";
import type { Core } from "./core.js";
import { ReplicaState, type Replica } from "./replica.js";

export class AutoscalerLoop {
  readonly #core: Core;
  /** By service; null for those of fixed size. */
  readonly #scalers: readonly (Autoscaler | null)[];

  constructor(core: Core) {
    this.#core = core;
    this.#scalers = core.model.services.map(({ spec }) => (spec.autoscale === null ? null : new Autoscaler(spec.autoscale)));
  }

  start(): void {
    for (const service of this.#core.model.services) {
      const scaler = this.#scalers[service.index];
      if (scaler !== null) this.#schedule(service, scaler);
    }
  }

  /** The delivery asked for this many replicas of a version. */
  asked(version: number, count: number): void {
    const { model, now } = this.#core;
    const service = model.services[model.versions[version].service];
    this.#scalers[service.index]?.asked(service.versions.indexOf(version), now, count);
  }

  #schedule(service: ServiceModel, scaler: Autoscaler): void {
    this.#core.agenda.at(this.#core.now + scaler.spec.interval, () => {
      this.#round(service, scaler);
      this.#schedule(service, scaler);
    });
  }

  #round(service: ServiceModel, scaler: Autoscaler): void {
    const core = this.#core;
    service.versions.forEach((version, place) => {
      const cpu = this.#averageCpu(core.lifecycle.byVersion[version]);
      if (core.balancers[service.index].weights[place] < AUTOSCALED_FROM_WEIGHT) scaler.forget(place);
      else if (cpu >= 0) this.#adjust(service, scaler, place, cpu);
    });
  }

  #adjust(service: ServiceModel, scaler: Autoscaler, place: number, cpu: number): void {
    const core = this.#core;
    const version = service.versions[place];
    const current = core.lifecycle.desired[version];
    const next = scaler.desired(place, core.now, current, core.lifecycle.readyCount(version), cpu);
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
