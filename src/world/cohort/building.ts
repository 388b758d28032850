// Builds the state of services and databases from the model.

import { alike } from "../../kernel/alike.js";
import { streamKey } from "../../kernel/draws.js";
import { BreakerState } from "./breaker-state.js";
import { CallLink } from "./call-link.js";
import { DatabasePool } from "./database-pool.js";
import { Fleet } from "./fleet.js";
import type { FleetOwner } from "./fleet-owner.js";
import { workLaw } from "./own-work.js";
import { ServiceState, VersionState } from "./service-state.js";
import type { Stage } from "./stage.js";

/** The service with all its versions, each with a link per call and class and a breaker per callee. */
export function buildService(stage: Stage, index: number, owner: FleetOwner): ServiceState {
  const { model, classes } = stage;
  const service = model.services[index];
  const cells = service.endpoints.length * classes.count;
  const versions = alike(service.versions.map((at, place) => {
    const calls = service.endpoints.flatMap((endpoint) => endpoint.calls);
    const links = alike(calls.map((call) => alike(Array.from({ length: classes.count }, () => new CallLink(call)))));
    const breakers = new Map<number, BreakerState>();
    for (const { breaker, callee } of calls) {
      if (breaker === null || breakers.has(callee)) continue;
      const trials = stage.noiseFree ? null : streamKey(model.seed, `cohort/breaker/${service.spec.name}/${model.versions[at].name}/${callee}`);
      breakers.set(callee, new BreakerState(breaker, trials));
    }
    return new VersionState(new Fleet(service, model.versions[at], owner), place, cells, model.spec.clients.reload.max,
      links, calls[0]?.index ?? 0, breakers);
  }));
  return new ServiceState(service, versions, cells, model.calls.some((call) => call.service === index));
}

export function buildDatabase(stage: Stage, index: number): DatabasePool {
  const { model, law } = stage;
  const database = model.databases[index];
  const { time, errors } = database.spec;
  const plain = law.named(`database ${index}`, () =>
    workLaw({ time, factor: 1, addSeconds: 0, mask: 0, errors: [{ ratio: errors, bit: 0 }], miss: null }));
  return new DatabasePool(database, model.versions.length, model.releases, plain);
}
