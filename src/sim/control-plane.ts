// The control plane of a cluster, simulated or of real processes: commands take the time of what they do, and can fail as scripted.

import { replicasOfShare } from "../delivery/capacity.js";
import type { ActionEvent, ActionId, Platform, PlatformCommand } from "../delivery/platform.js";
import { assert, unreachable } from "../kernel/assert.js";
import type { Clock } from "../kernel/clock.js";
import { seconds, type Micros } from "../kernel/units.js";
import type { Effect } from "../world/effect.js";
import type { AutoscaleSpec, WorldSpec } from "../world/spec.js";
import type { VersionStatus, World } from "../world/world.js";

/** A control plane answers a call in about this long. */
export const API_LATENCY: Micros = seconds(1);
/** How often a running command looks whether its replicas are there (SYSTEMS.md: health checks every 2 s). */
export const POLL_INTERVAL: Micros = seconds(2);
/** Weights that differ by less are the same. */
const WEIGHT_ROUNDING = 1e-9;

/** A scripted platform failure and how many commands it still fails. */
interface ScriptedFailure {
  readonly effect: Effect;
  remaining: number;
}

const keyOf = (service: string, version: string): string => `${service}/${version}`;

/** What a control plane commands: it says what there should be, and looks whether it is there. */
export interface Cluster extends Pick<World, "status" | "scale" | "setWeights"> {
  /** Asks the flag service; `heard` is told, now or later, whether it accepted. */
  setFlag(flag: string, on: boolean, heard: (accepted: boolean) => void): void;
}

export interface ControlPlaneInput {
  readonly cluster: Cluster;
  readonly spec: WorldSpec;
  readonly clock: Clock;
  readonly effects: readonly Effect[];
  /** Commands that are not done after this are reported as timed out. */
  readonly timeout: Micros;
  readonly stableKeptFor: Micros;
}

/**
 * A cluster's control plane. It knows the recorded stable version of each service, keeps a stable
 * version's replicas for `stableKeptFor` after full exposure (0: they leave as the weight grows), and turns each
 * command into changes of the cluster followed by polling until the cluster shows them.
 */
export class ControlPlane implements Platform {
  readonly #input: ControlPlaneInput;
  readonly #stable = new Map<string, { version: string; replicas: number }>();
  /** Autoscaled services only: by service and version, the size before this control plane took replicas from it. */
  readonly #takenFrom = new Map<string, number>();
  readonly #failures: ScriptedFailure[];
  /** Per service and version, a counter that outdates the scheduled removal of its replicas: each change of its traffic counts. */
  readonly #generation = new Map<string, number>();
  /** Per service, how many rollbacks began: a deploy or scaling that still waits for replicas is broken off by one. */
  readonly #rollBacks = new Map<string, number>();

  constructor(input: ControlPlaneInput) {
    this.#input = input;
    for (const service of input.spec.services) {
      this.#stable.set(service.name, { version: service.version, replicas: service.replicas });
    }
    this.#failures = input.effects.flatMap((effect) =>
      effect.what.kind === "action-fails" ? [{ effect, remaining: effect.what.times }] : [],
    );
  }

  stable(service: string): { readonly version: string; readonly replicas: number } {
    const stable = this.#recorded(service);
    return { version: stable.version, replicas: this.#autoscaledSize(service, stable.version) ?? stable.replicas };
  }

  /**
   * Full capacity of an autoscaled version, of which a recorded number says nothing: the size that the autoscaler gives
   * it, or last gave it before replicas were taken from it. Null without an autoscaler.
   */
  #autoscaledSize(service: string, version: string): number | null {
    const autoscale = this.#autoscaleOf(service);
    if (autoscale === null) return null;
    const size = Math.max(this.#desired(service, version), this.#takenFrom.get(keyOf(service, version)) ?? 0);
    return Math.min(autoscale.max, Math.max(autoscale.min, size));
  }

  #autoscaleOf(service: string): AutoscaleSpec | null {
    return this.#input.spec.services.find(({ name }) => name === service)?.autoscale ?? null;
  }

  send(id: ActionId, command: PlatformCommand, heard: (event: ActionEvent) => void): void {
    const { clock } = this.#input;
    const failure = this.#scriptedFailure(command);
    if (failure !== null) {
      clock.setTimer(failure.after, () =>
        heard({ type: "action.failed", id, at: clock.now(), why: failure.why }),
      );
      return;
    }
    clock.setTimer(API_LATENCY, () => this.#carryOut(id, command, heard));
  }

  #scriptedFailure(command: PlatformCommand): { after: Micros; why: string } | null {
    const now = this.#input.clock.now();
    for (const failure of this.#failures) {
      const { target, what, when } = failure.effect;
      if (what.kind !== "action-fails" || target.on !== "platform" || failure.remaining <= 0) continue;
      if (now < when.from || now >= when.to) continue;
      if (target.command !== undefined && target.command !== command.kind) continue;
      failure.remaining -= 1;
      return { after: what.after, why: "the control plane answered with an error" };
    }
    return null;
  }

  #carryOut(id: ActionId, command: PlatformCommand, heard: (event: ActionEvent) => void): void {
    const done = (effectiveAfter: Micros = 0): void => {
      const at = this.#input.clock.now();
      heard({ type: "action.done", id, at, effectiveAt: at + effectiveAfter });
    };
    switch (command.kind) {
      case "deploy":
      case "scale":
        this.#input.cluster.scale(command.service, command.version, command.replicas);
        this.#whenReady(id, command.service, command.version, command.replicas, heard, done);
        return;
      case "set-weight":
        this.#setWeight(id, command, heard, done);
        return;
      case "set-flag":
        this.#setFlag(id, command.flag, command.on, heard);
        return;
      case "roll-back":
        this.#rollBack(id, command, heard, done);
        return;
      case "mark-stable":
        this.#markStable(command.service, command.version);
        done();
        return;
      case "page":
        done();
        return;
      default:
        unreachable(command);
    }
  }

  #setWeight(
    id: ActionId,
    { service, version, weight }: PlatformCommand & { kind: "set-weight" },
    heard: (event: ActionEvent) => void,
    done: () => void,
  ): void {
    const { cluster, spec, clock } = this.#input;
    const stable = this.stable(service);
    const generation = this.#newGeneration(service, stable.version);
    if (version !== stable.version) this.#newGeneration(service, version);
    const shift = (): void => {
      // What waited for stable's replicas may have been overtaken by another shift.
      if (this.#generation.get(keyOf(service, stable.version)) !== generation) return done();
      cluster.setWeights(
        service,
        version === stable.version ? { [version]: 1 } : { [version]: weight, [stable.version]: 1 - weight },
      );
      clock.setTimer(spec.splitPropagation, () => {
        if (version !== stable.version) this.#shrinkStable(service, stable, weight, generation);
        done();
      });
    };
    if (!this.#regains(service, version, weight)) return shift();
    const owed = replicasOfShare(1 - weight, stable.replicas);
    if (this.#desired(service, stable.version) < owed) {
      this.#fit(service, stable.version, this.#input.stableKeptFor === 0 ? owed : stable.replicas);
    }
    this.#whenReady(id, service, stable.version, owed, heard, shift);
  }

  /**
   * Whether stable gets traffic back beside a new version, so that it may lack replicas: what it had went to a version
   * that was never marked stable. Traffic that is only shifted back waits for nothing.
   */
  #regains(service: string, version: string, weight: number): boolean {
    const { version: stable } = this.stable(service);
    if (version === stable || weight === 0) return false;
    const status = this.#status(service, stable);
    return status !== undefined && status.weight < 1 - weight - WEIGHT_ROUNDING;
  }

  /** Stable's replicas leave with the weight, or all together `stableKeptFor` after full exposure, whoever is stable by then. */
  #shrinkStable(
    service: string,
    stable: { version: string; replicas: number },
    weight: number,
    generation: number,
  ): void {
    const { clock, stableKeptFor } = this.#input;
    const isOutdated = (): boolean => this.#generation.get(keyOf(service, stable.version)) !== generation;
    if (isOutdated()) return;
    if (stableKeptFor === 0) {
      this.#fit(service, stable.version, replicasOfShare(1 - weight, stable.replicas));
    } else if (weight === 1) {
      clock.setTimer(stableKeptFor, () => {
        if (!isOutdated()) this.#fit(service, stable.version, 0);
      });
    }
  }

  /** To the number that its weight is owed, which is all of it again once all traffic is back. */
  #fit(service: string, version: string, replicas: number): void {
    const size = this.#autoscaledSize(service, version);
    if (size !== null && replicas < size) this.#takenFrom.set(keyOf(service, version), size);
    else this.#takenFrom.delete(keyOf(service, version));
    this.#input.cluster.scale(service, version, replicas);
  }

  #setFlag(id: ActionId, flag: string, on: boolean, heard: (event: ActionEvent) => void): void {
    const { cluster, spec, clock } = this.#input;
    cluster.setFlag(flag, on, (accepted) => {
      const at = clock.now();
      heard(
        accepted
          ? { type: "action.done", id, at, effectiveAt: at + spec.flags.propagation.max }
          : { type: "action.failed", id, at, why: "the flag service does not answer" },
      );
    });
  }

  #rollBack(
    id: ActionId,
    command: PlatformCommand & { kind: "roll-back" },
    heard: (event: ActionEvent) => void,
    done: () => void,
  ): void {
    const { cluster, spec, clock } = this.#input;
    const { service, version, to } = command;
    // A rollback never shrinks stable.
    const full = this.#autoscaledSize(service, to) ?? Math.max(this.stable(service).replicas, this.#desired(service, to));
    this.#takenFrom.delete(keyOf(service, to));
    this.#newGeneration(service, to);
    this.#newGeneration(service, version);
    this.#rollBacks.set(service, this.#rollBacksOf(service) + 1);
    cluster.scale(service, to, full);
    this.#whenReady(id, service, to, full, heard, () => {
      cluster.setWeights(service, { [to]: 1 });
      clock.setTimer(spec.splitPropagation, () => {
        cluster.scale(service, version, 0);
        // The version may have been marked stable on the way: what was taken back is never what the next one is built on.
        this.#stable.set(service, { version: to, replicas: this.#recorded(service).replicas });
        done();
      });
    });
  }

  #markStable(service: string, version: string): void {
    this.#stable.set(service, { version, replicas: this.#recorded(service).replicas });
  }

  #recorded(service: string): { readonly version: string; readonly replicas: number } {
    const stable = this.#stable.get(service);
    assert(stable !== undefined, `service ${service} exists`);
    return stable;
  }

  #newGeneration(service: string, version: string): number {
    const key = keyOf(service, version);
    const next = (this.#generation.get(key) ?? 0) + 1;
    this.#generation.set(key, next);
    return next;
  }

  #rollBacksOf(service: string): number {
    return this.#rollBacks.get(service) ?? 0;
  }

  /** Polls until the version has its replicas ready (or, when scaled down, no more than these); nothing is heard once a rollback breaks it off. */
  #whenReady(
    id: ActionId,
    service: string,
    version: string,
    replicas: number,
    heard: (event: ActionEvent) => void,
    then: () => void,
  ): void {
    const { clock, timeout } = this.#input;
    const startedAt = clock.now();
    const rollBacks = this.#rollBacksOf(service);
    const look = (): void => {
      if (this.#rollBacksOf(service) !== rollBacks) return;
      const waited = clock.now() - startedAt;
      if (this.#isReady(service, version, replicas)) then();
      else if (waited >= timeout) heard({ type: "action.timed-out", id, at: clock.now(), after: waited });
      else clock.setTimer(POLL_INTERVAL, look);
    };
    look();
  }

  /** As `kubectl rollout status` sees it: an autoscaler that settles for fewer than were asked for has the last word. */
  #isReady(service: string, version: string, replicas: number): boolean {
    const status = this.#status(service, version);
    const wanted = this.#autoscaleOf(service) === null ? replicas : Math.min(replicas, status?.desired ?? 0);
    return (status?.ready ?? 0) >= wanted;
  }

  #desired(service: string, version: string): number {
    return this.#status(service, version)?.desired ?? 0;
  }

  #status(service: string, version: string): VersionStatus | undefined {
    return this.#input.cluster.status(service).find((candidate) => candidate.version === version);
  }
}
