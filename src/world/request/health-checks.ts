// The balancers' health checks: two good probes admit a replica, three bad ones take it out.

import type { ServiceModel } from "../model.js";
import type { Core } from "./core.js";
import { ReplicaState, type Replica } from "./replica.js";

export class HealthChecks {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Probes the service's replicas at every interval from now on. */
  start(service: ServiceModel): void {
    const core = this.#core;
    const { interval } = service.spec.healthCheck;
    const probe = (): void => {
      for (const version of service.versions) for (const replica of core.lifecycle.byVersion[version]) this.#probe(replica);
      core.agenda.at(core.now + interval, probe);
    };
    core.agenda.at(core.now + interval, probe);
  }

  #probe(replica: Replica): void {
    const { healthyAfter, unhealthyAfter } = replica.service.spec.healthCheck;
    if (replica.state === ReplicaState.draining) return;
    if (replica.state === ReplicaState.ready && !replica.out) {
      replica.goodProbes += 1;
      replica.badProbes = 0;
      if (!replica.admitted && replica.goodProbes >= healthyAfter) this.admit(replica);
    } else {
      replica.badProbes += 1;
      replica.goodProbes = 0;
      if (replica.admitted && replica.badProbes >= unhealthyAfter) this.expel(replica);
    }
  }

  /** The balancer sends requests to the replica from now on. */
  admit(replica: Replica): void {
    replica.admitted = true;
    this.#admittedList(replica).push(replica);
  }

  /** It sends none any more. */
  expel(replica: Replica): void {
    if (!replica.admitted) return;
    replica.admitted = false;
    const list = this.#admittedList(replica);
    list.splice(list.indexOf(replica), 1);
  }

  #admittedList(replica: Replica): Replica[] {
    const { service, version } = replica;
    return this.#core.balancers[service.index].admitted[service.versions.indexOf(version.index)];
  }
}
