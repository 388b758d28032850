// What the delivery platform may ask of the world and tell it to do: status, scaling, weights, flags.

import { alike } from "../../kernel/alike.js";
import { assert } from "../../kernel/assert.js";
import { EventClass } from "../../kernel/clock.js";
import type { Ratio } from "../../kernel/units.js";
import { windowOpen } from "../active-effects.js";
import { findService, findVersion } from "../model.js";
import type { VersionStatus } from "../world.js";
import type { Flags } from "./flags.js";
import type { VersionState } from "./service-state.js";
import { userShares } from "./split.js";
import type { Stage } from "./stage.js";

/** Kinds of commands in the digest. */
const SCALED = 1;
const WEIGHED = 2;
const FLAGGED = 3;

export class Commands {
  readonly #stage: Stage;
  readonly #flags: Flags;

  constructor(stage: Stage, flags: Flags) {
    this.#stage = stage;
    this.#flags = flags;
  }

  status(service: string): readonly VersionStatus[] {
    const { services, model } = this.#stage;
    const state = services[findService(model, service)];
    return state.versions.map(({ fleet, place }) => ({
      version: fleet.version.name,
      desired: fleet.desired,
      starting: fleet.replicas.length - fleet.ready - fleet.count("draining"),
      ready: fleet.ready,
      draining: fleet.count("draining"),
      weight: state.weights[place],
    }));
  }

  scale(service: string, version: string, replicas: number): void {
    const stage = this.#stage;
    const { fleet, place } = this.#find(service, version);
    stage.mark(SCALED, fleet.version.index, replicas);
    stage.services[fleet.version.service].autoscaler?.asked(place, stage.now(), replicas);
    fleet.scaleTo(replicas);
  }

  setWeights(service: string, weights: Readonly<Record<string, Ratio>>): void {
    const stage = this.#stage;
    const { spec } = stage.model;
    const state = stage.services[findService(stage.model, service)];
    const next = alike(state.versions.map(({ fleet }) => weights[fleet.version.name] ?? 0));
    state.versions.forEach(({ fleet }, place) => stage.mark(WEIGHED, fleet.version.index, next[place]));
    stage.agenda.at(stage.now() + spec.splitPropagation, EventClass.world, () => {
      stage.touch();
      state.weights = next;
      state.shares = alike(userShares(state.model, next, spec.users, stage.noiseFree));
      const text = state.versions.map(({ fleet }, place) => `${fleet.version.name} ${Math.round(next[place] * 1000) / 10} %`).join(", ");
      stage.noteOf("split-changed", service, null, `${service}: ${text}`);
    });
  }

  setFlag(flag: string, on: boolean): boolean {
    const stage = this.#stage;
    const index = stage.model.flags.indexOf(flag);
    assert(index >= 0, `flag ${flag} exists`);
    if (windowOpen(stage.model.effects, "flag-service-down", stage.now())) return false;
    stage.mark(FLAGGED, index, on ? 1 : 0);
    this.#flags.set(index, on, stage.versions.map(({ fleet }) => fleet));
    stage.note("flag-changed", null, `flag ${flag} ${on ? "on" : "off"}`);
    return true;
  }

  flagOn(flag: string): boolean {
    const index = this.#stage.model.flags.indexOf(flag);
    return index >= 0 && this.#flags.isOn(index);
  }

  inFlight(service: string, version: string): number {
    const { pools, fleet } = this.#find(service, version);
    const serving = pools.reduce((sum, pool) => sum + pool.inSystem * pool.replicas.length, 0);
    return Math.round(serving) + fleet.count("draining");
  }

  #find(service: string, version: string): VersionState {
    const index = findVersion(this.#stage.model, service, version);
    assert(index >= 0, `version ${service} ${version} exists`);
    return this.#stage.versions[index];
  }
}
