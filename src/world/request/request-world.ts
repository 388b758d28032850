// The reference world: every request walks through balancer, queue, pool, retries, timeouts and breaker.

import { assert } from "../../kernel/assert.js";
import { MICROS_PER_SECOND, type Micros, type Ratio } from "../../kernel/units.js";
import { findService, findVersion } from "../model.js";
import { MODEL_VERSION } from "../model-version.js";
import type { VersionStatus, World, WorldInput } from "../world.js";
import { AutoscalerLoop } from "./autoscaler.js";
import { Calls } from "./calls.js";
import { Core, type RequestProbe } from "./core.js";
import { Databases } from "./databases.js";
import { scheduleEffects } from "./effect-schedule.js";
import { EventKind } from "./event-kinds.js";
import { Flags } from "./flags.js";
import { FrameState } from "./frames.js";
import { refreshGauges } from "./gauges.js";
import { HealthChecks } from "./health-checks.js";
import { Lifecycle } from "./lifecycle.js";
import { Meter } from "./meter.js";
import { Pages } from "./pages.js";
import { ReplicaEffects } from "./replica-effects.js";
import { ReplicaState } from "./replica.js";
import { OwnWork } from "./own-work.js";
import { Taint } from "./taint.js";
import { Walk } from "./walk.js";

const APPROXIMATIONS: readonly string[] = [
  "no network time between services, unless an effect on the link adds some",
  "CPU slows a request by what its replica's CPU demand was when its work began",
  "a caller that gives up does not cancel the work that it asked for",
];

/** The world at `request` fidelity, standing at time 0. */
export function createRequestWorld(input: WorldInput): RequestWorld {
  return new RequestWorld(input);
}

export class RequestWorld implements World {
  readonly fidelity = "request";
  readonly modelVersion = MODEL_VERSION;
  readonly approximations = APPROXIMATIONS;
  readonly #core: Core;

  constructor(input: WorldInput) {
    assert(!input.noiseFree, "only cohort has a noise-free mode");
    const core = new Core(input);
    this.#core = core;
    core.digest.addText(`request ${MODEL_VERSION}`);
    core.meter = new Meter(core);
    core.taint = new Taint(core);
    core.ownWork = new OwnWork(core);
    core.calls = new Calls(core);
    core.walk = new Walk(core);
    core.pages = new Pages(core);
    core.databases = new Databases(core);
    core.flags = new Flags(core);
    core.healthChecks = new HealthChecks(core);
    core.replicaEffects = new ReplicaEffects(core);
    core.lifecycle = new Lifecycle(core);
    core.autoscaler = new AutoscalerLoop(core);
    core.lifecycle.start();
    scheduleEffects(core);
    core.autoscaler.start();
    core.pages.start();
  }

  get telemetry() { return this.#core.store; }
  get ledger() { return this.#core.ledger; }
  get events() { return this.#core.events; }
  get digest() { return this.#core.digest; }

  /** Lets a test watch first-hand draws. */
  watch(probe: RequestProbe): void {
    this.#core.probe = probe;
  }

  now(): Micros {
    return this.#core.now;
  }

  advanceTo(at: Micros): void {
    const core = this.#core;
    assert(at >= core.now, "time goes forward");
    for (;;) {
      this.#runUntil(Math.min(core.scraper.nextAt(), at));
      if (core.scraper.nextAt() > core.now) return;
      refreshGauges(core);
      core.scraper.scrapeDue(core.now);
    }
  }

  settle(): void {
    // Every request is booked when it ends; nothing is owed.
  }

  /** One call per scrape: the loop stays in optimised code. It ends early at a scrape that came up on the way. */
  #runUntil(end: Micros): void {
    const core = this.#core;
    const { queue, time, walk, calls, pages, databases, agenda } = core;
    queue.until[0] = end;
    while (queue.next()) {
      time[0] = queue.time[0];
      const subject = queue.a;
      switch (queue.kind) {
        case EventKind.arrival: pages.arrival(subject); break;
        case EventKind.workDone: walk.workDone(subject); break;
        case EventKind.queryDone: databases.queryDone(subject); break;
        case EventKind.callTimeout: calls.timeouts(subject); break;
        case EventKind.pageTimeout: pages.timeouts(); break;
        case EventKind.retry: calls.retry(subject); break;
        case EventKind.delivered: walk.delivered(subject); break;
        case EventKind.reload: pages.reload(subject); break;
        case EventKind.poolTimeout: databases.poolTimeouts(subject); break;
        default: agenda.run(subject);
      }
    }
    time[0] = queue.until[0];
  }

  status(service: string): readonly VersionStatus[] {
    const { model, balancers, lifecycle } = this.#core;
    const index = findService(model, service);
    return model.services[index].versions.map((version, place) => {
      const count = (states: readonly ReplicaState[]): number =>
        lifecycle.byVersion[version].filter((replica) => states.includes(replica.state)).length;
      const ready = lifecycle.byVersion[version].filter((r) => r.admitted && r.state === ReplicaState.ready && !r.out).length;
      const draining = count([ReplicaState.draining]);
      return {
        version: model.versions[version].name,
        desired: lifecycle.desired[version],
        starting: lifecycle.byVersion[version].length - ready - draining,
        ready,
        draining,
        weight: balancers[index].weights[place],
      };
    });
  }

  scale(service: string, version: string, replicas: number): void {
    assert(Number.isInteger(replicas) && replicas >= 0, "a number of replicas is a count");
    const { autoscaler, lifecycle } = this.#core;
    autoscaler.asked(this.#version(service, version), replicas);
    lifecycle.scale(this.#version(service, version), replicas);
  }

  setWeights(service: string, weights: Readonly<Record<string, Ratio>>): void {
    const core = this.#core;
    const index = findService(core.model, service);
    const shares = core.model.services[index].versions.map((version) => weights[core.model.versions[version].name] ?? 0);
    for (const version of Object.keys(weights)) this.#version(service, version);
    const sum = shares.reduce((total, share) => total + share, 0);
    assert(Math.abs(sum - 1) < 1e-9 && shares.every((share) => share >= 0), "weights are shares of one");
    core.agenda.at(core.now + core.model.spec.splitPropagation, () => {
      core.balancers[index].setWeights(shares);
      core.digest.add(core.now);
      for (const share of shares) core.digest.add(share);
      const text = core.model.services[index].versions
        .map((version, place) => `${core.model.versions[version].name} ${Math.round(shares[place] * 1000) / 10} %`).join(", ");
      core.note("split-changed", service, null, `${service}: ${text}`);
    });
  }

  setFlag(flag: string, on: boolean): boolean {
    return this.#core.flags.set(this.#flag(flag), on);
  }

  flagOn(flag: string): boolean {
    return this.#core.flags.isOn(this.#flag(flag));
  }

  inFlight(service: string, version: string): number {
    return this.#core.lifecycle.byVersion[this.#version(service, version)].reduce((sum, replica) => sum + replica.inFlight, 0);
  }

  littlesLaw(service: string): { readonly inFlightSeconds: number; readonly arrivals: number; readonly latencySeconds: number } {
    const { model, walk, now } = this.#core;
    const index = findService(model, service);
    const sinceLast = walk.inside[index] * (now - walk.insideSince[index]);
    return {
      // Whoever is still inside has no time yet: neither side counts him.
      inFlightSeconds: (walk.insideIntegral[index] + sinceLast - this.#insideSoFar(index)) / MICROS_PER_SECOND,
      arrivals: walk.arrivals[index],
      latencySeconds: walk.latency[index] / MICROS_PER_SECOND,
    };
  }

  /** How long the requests inside a service have been there. */
  #insideSoFar(service: number): Micros {
    const { frames, model, now } = this.#core;
    let sum = 0;
    for (let frame = 0; frame < frames.highWater; frame++) {
      const state = frames.state[frame];
      const isHop = state >= FrameState.queued && state <= FrameState.backingOff;
      if (isHop && model.endpoints[frames.target[frame]].service === service) sum += now - frames.startedAt[frame];
    }
    return sum;
  }

  /** Pages, hops and queries under way, abandoned ones included: 0 in a world at rest. */
  underWay(): number {
    const { frames } = this.#core;
    let count = 0;
    for (let frame = 0; frame < frames.highWater; frame++) if (frames.state[frame] !== FrameState.free) count += 1;
    return count;
  }

  hops(): number {
    return this.#core.hops;
  }

  #version(service: string, version: string): number {
    const index = findVersion(this.#core.model, service, version);
    assert(index >= 0, `${service} has a version ${version}`);
    return index;
  }

  #flag(flag: string): number {
    const index = this.#core.model.flags.indexOf(flag);
    assert(index >= 0, `flag ${flag} exists`);
    return index;
  }
}
