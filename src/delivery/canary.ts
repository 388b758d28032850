// A canary delivery: the statechart on the three ports, its evaluations, and the decisions it hands out.

import { createActor, type Actor } from "xstate";
import type { Decision } from "../engines/decision.js";
import { evaluateHealth, writtenOut, type HealthMoment } from "../engines/health/evaluate.js";
import { NO_HISTORY, type BreachHistory } from "../engines/health/persistence.js";
import { planHealth, queriesAt, type HealthPlan, type HealthScope } from "../engines/health/queries.js";
import { judgeGates } from "../engines/promotion.js";
import { assert } from "../kernel/assert.js";
import { xstateClock, type Clock, type XstateClock } from "../kernel/clock.js";
import type { Micros } from "../kernel/units.js";
import type { Telemetry, TelemetryQuery, WindowSnapshot } from "../telemetry/query.js";
import type { CanaryContext, CanaryDriver, CanaryEvent, CanaryTiming, Draft, HealthReport } from "./canary-context.js";
import { commandText } from "./canary-commands.js";
import { isOnlyKept } from "./canary-guards.js";
import { canaryMachine } from "./canary-machine.js";
import type { DecisionBasis, DeliveryActor, DeliveryObserver, DeliveryResult } from "./observer.js";
import type { ActionEvent, ActionId, Platform, PlatformCommand } from "./platform.js";
import type { ReleaseDeclaration } from "./release.js";
import { stateLabel } from "./states.js";
import type { CanaryStrategy } from "./strategy.js";

export type { DecisionBasis, DeliveryActor, DeliveryObserver, DeliveryResult } from "./observer.js";

export interface CanaryPorts {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly platform: Platform;
}

export interface CanaryOptions {
  readonly release: ReleaseDeclaration;
  readonly strategy: CanaryStrategy;
  readonly ports: CanaryPorts;
  readonly timing: CanaryTiming;
  readonly observer: DeliveryObserver;
  /** Databases the service uses; left out, checks on databases look at every one. */
  readonly databases?: readonly string[];
  /** Numbers decisions across several releases of one run; left out, each delivery counts from 1. */
  readonly nextDecisionId?: () => number;
  /** The statechart; the canary's own when left out. The fuzzer's tests bring charts with a planted bug. */
  readonly machine?: typeof canaryMachine;
}

/** What counts as slow before the service's own p95 is known. */
const SLOW_SECONDS = 0.5;

/** What makes a release's delivery. */
export type CreateDelivery = (options: CanaryOptions) => DeliveryActor;

/** Creates a canary delivery; nothing happens before `start`. */
export function createCanary(options: CanaryOptions): DeliveryActor {
  return new CanaryDelivery(options);
}

class CanaryDelivery implements DeliveryActor, CanaryDriver {
  readonly #options: CanaryOptions;
  readonly #actor: Actor<typeof canaryMachine>;
  readonly #scope: HealthScope;
  readonly #requiredGates: ReadonlySet<string>;
  readonly #hardTriggers: ReadonlySet<string>;
  #plan: HealthPlan;
  #past: WindowSnapshot | null = null;
  /** The triggers in the shorter window that follows a flag switch; planned when it is first needed. */
  #flagPlan: HealthPlan | null = null;
  #flagPast: WindowSnapshot | null = null;
  #history: BreachHistory = NO_HISTORY;
  #startedAt: Micros = 0;
  #evaluatedAt: Micros = -1;
  /** The newest evaluation that the statechart would only keep: it hears of it before anything else reaches it. */
  #heldBack: HealthReport | null = null;
  #decisions = 0;
  #entered: { readonly value: unknown; readonly step: number } | null = null;
  #state = "";
  #label = "";
  #why = "";
  #failure: { readonly failure: unknown } | null = null;

  constructor(options: CanaryOptions) {
    const { release, strategy, ports, timing } = options;
    assert(strategy.steps.length > 0, "a canary has steps");
    this.#options = options;
    const stable = ports.platform.stable(release.service);
    const asksFlag = release.flag !== null && strategy.triggers.length > 0 && strategy.rollback.prefer === "flag-or-full";
    this.#scope = {
      service: release.service, canary: release.version, stable: stable.version, window: strategy.window,
      databases: options.databases ?? null, flagEndpoints: asksFlag && release.flag !== null ? release.flag.endpoints : null,
    };
    this.#requiredGates = new Set(strategy.gates.flatMap((gate) => (gate.required ? [gate.id] : [])));
    this.#hardTriggers = new Set(strategy.triggers.flatMap((spec) => (spec.hard === undefined ? [] : [spec.id])));
    this.#plan = planHealth([...strategy.gates, ...strategy.triggers], this.#scope, SLOW_SECONDS);
    this.#actor = createActor(options.machine ?? canaryMachine, {
      clock: this.#guardedClock(ports.clock),
      input: { driver: this, release, strategy, timing, stable: { version: stable.version, replicas: stable.replicas } },
    });
    this.#actor.subscribe({
      next: (snapshot) => {
        try {
          this.#enter(snapshot.value, snapshot.context);
        } catch (failure) {
          this.#failure = { failure };
        }
      },
      error: (failure) => (this.#failure = { failure }),
    });
  }

  get state(): string {
    return this.#state;
  }

  get done(): boolean {
    return this.#actor.getSnapshot().status !== "active";
  }

  start(): void {
    this.#startedAt = this.now();
    this.#why = `release of ${this.#options.release.service} ${this.#options.release.version}`;
    this.#askPast();
    this.#actor.start();
    this.#throwFailure();
    this.#tickLater();
  }

  answer(answer: "roll-back" | "promote" | "hold"): void {
    this.#tell({ type: "answer", answer });
  }

  /** What comes after the end changes nothing any more: a late action, an answer to an old page. */
  #tell(event: CanaryEvent): void {
    if (this.done) return;
    this.#catchUp();
    this.#actor.send(event);
    this.#throwFailure();
  }

  /** Hands the statechart the evaluation that was held back, as it stood when it was heard. */
  #catchUp(): void {
    const report = this.#heldBack;
    this.#heldBack = null;
    if (report !== null && !this.done) this.#actor.send({ type: "window.ready", report });
  }

  /** xstate stops a chart whose action threw and reports it later; our fault must come out here and now. */
  #throwFailure(): void {
    const failed = this.#failure;
    this.#failure = null;
    if (failed !== null) throw failed.failure;
  }

  #guardedClock(clock: Clock): XstateClock {
    const { setTimeout: setTimer, clearTimeout: clearTimer } = xstateClock(clock);
    const guarded = (callback: (...args: unknown[]) => void) => (): void => {
      this.#catchUp();
      callback();
      this.#throwFailure();
    };
    return { setTimeout: (callback, delayMillis) => setTimer(guarded(callback), delayMillis), clearTimeout: clearTimer };
  }

  // What the statechart asks of the world outside.

  now(): Micros {
    return this.#options.ports.clock.now();
  }

  stableReplicas(): number {
    const { ports, release } = this.#options;
    return ports.platform.stable(release.service).replicas;
  }

  send(id: ActionId, command: PlatformCommand): void {
    const { observer, ports } = this.#options;
    const text = commandText(command);
    this.#why = text;
    observer.action(text, command, null, this.now());
    ports.platform.send(id, command, (event: ActionEvent) => {
      observer.action(text, command, event, this.now());
      this.#why = event.type === "action.done" ? `done: ${text}` : `not done: ${text}`;
      this.#tell(event);
    });
  }

  record(draft: Draft, context: CanaryContext): void {
    const { release, observer, nextDecisionId } = this.#options;
    this.#decisions += 1;
    this.#why = draft.reason;
    const decision: Decision = {
      id: nextDecisionId === undefined ? this.#decisions : nextDecisionId(),
      at: this.now(), state: this.#label, release: release.version, service: release.service,
      rule: draft.rule, actions: draft.actions, by: draft.by, reason: draft.reason,
      decidingCheck: draft.deciding?.check ?? null, checks: draft.report?.results.map(writtenOut) ?? [], flag: draft.flag, weight: context.weight,
    };
    observer.decided(decision, basisOf(draft));
  }

  page(message: string, asks: boolean): void {
    const { observer, ports } = this.#options;
    observer.paged(message, asks, this.now());
    const command: PlatformCommand = { kind: "page", message };
    ports.platform.send(PAGE_ACTION, command, () => undefined);
  }

  finish(result: Omit<DeliveryResult, "at">): void {
    this.#options.observer.finished({ ...result, at: this.now() });
  }

  judgeFlag(context: CanaryContext): void {
    const { strategy, ports } = this.#options;
    const fired = new Set(context.draft?.report?.fired.map((check) => check.check));
    const plan = this.#planFlagWatch();
    const share = Math.min(1, strategy.rollback.flagWatch / strategy.window);
    const moment: HealthMoment = {
      since: { traffic: context.judgedSince, platform: context.judgedSince ?? this.#startedAt }, weight: context.weight,
      minRequests: Math.ceil(strategy.steps[context.step].minRequests * share), past: this.#flagPast,
    };
    ports.telemetry.ask(queriesAt(plan, this.now(), moment.since), (snapshot) => {
      const results = evaluateHealth(plan, snapshot, moment, NO_HISTORY).results.filter((result) => fired.has(result.check));
      const better = results.length > 0 && results.every((result) => result.status === "pass");
      const report: HealthReport = { at: snapshot.at, plan, snapshot, moment, results, verdict: judgeGates(results, NO_GATES), fired: [], hard: false };
      this.#tell({ type: "flag.judged", better, report });
    });
  }

  // Evaluations.

  /** The service's past: first its p95, which says what slow means here, then what the checks compare with. */
  #askPast(): void {
    const { telemetry } = this.#options.ports;
    const { strategy } = this.#options;
    const { service, stable, window, flagEndpoints } = this.#scope;
    const askPlanned = (): void => {
      if (this.#plan.pastQueries.length === 0) return;
      telemetry.ask(this.#plan.pastQueries, (snapshot) => (this.#past = snapshot));
    };
    if (flagEndpoints === null) return askPlanned();
    telemetry.ask(this.#planFlagWatch().pastQueries, (snapshot) => (this.#flagPast = snapshot));
    const p95: TelemetryQuery = { fn: "quantile", metric: "http_request_duration_seconds", q: 0.95, where: { service, version: stable }, window };
    telemetry.ask([p95], (snapshot) => {
      const [answer] = snapshot.answers;
      const slow = answer.kind === "value" ? answer.value : SLOW_SECONDS;
      this.#plan = planHealth([...strategy.gates, ...strategy.triggers], this.#scope, slow);
      askPlanned();
    });
  }

  #planFlagWatch(): HealthPlan {
    const { triggers, rollback: { flagWatch } } = this.#options.strategy;
    this.#flagPlan ??= planHealth(triggers.map((spec) => ({ ...spec, window: flagWatch })), { ...this.#scope, window: flagWatch, flagEndpoints: null }, SLOW_SECONDS);
    return this.#flagPlan;
  }

  #tickLater(): void {
    this.#options.ports.clock.setTimer(this.#options.strategy.every, () => this.#tick());
  }

  #tick(): void {
    if (this.done) return;
    if (this.#state !== "rolling-back.restoring" && this.#state !== "rolling-back.shifting-traffic") this.#evaluate();
    this.#tickLater();
  }

  #evaluate(): void {
    const { context } = this.#actor.getSnapshot();
    const plan = this.#plan;
    const moment: HealthMoment = {
      since: { traffic: context.judgedSince, platform: this.#startedAt }, weight: context.weight,
      minRequests: this.#options.strategy.steps[context.step].minRequests, past: this.#past,
    };
    this.#options.ports.telemetry.ask(queriesAt(plan, this.now(), moment.since), (snapshot) => this.#hear(plan, snapshot, moment));
  }

  #hear(plan: HealthPlan, snapshot: WindowSnapshot, moment: HealthMoment): void {
    // A late answer must not undo what a newer one showed.
    if (this.done || snapshot.at <= this.#evaluatedAt) return;
    this.#evaluatedAt = snapshot.at;
    const { results, history } = evaluateHealth(plan, snapshot, moment, this.#history);
    this.#history = history;
    this.#options.observer.evaluated?.(results, snapshot.at);
    const fired = results.filter((result) => result.fired);
    const hard = fired.some((result) => this.#hardTriggers.has(result.check));
    const report: HealthReport = { at: snapshot.at, plan, snapshot, moment, results, verdict: judgeGates(results, this.#requiredGates), fired, hard };
    if (fired.length > 0) this.#tell({ type: "trigger.fired", report });
    else if (isOnlyKept(this.#state, this.#actor.getSnapshot().context, report)) this.#heldBack = report;
    else this.#tell({ type: "window.ready", report });
  }

  #enter(value: unknown, context: CanaryContext): void {
    // Most snapshots only bring a new context.
    if (this.#entered !== null && this.#entered.value === value && this.#entered.step === context.step) return;
    this.#entered = { value, step: context.step };
    const state = stateName(value);
    const label = stateLabel(state, context.step, context.strategy.steps);
    if (state === this.#state && label === this.#label) return;
    this.#state = state;
    this.#label = label;
    this.#options.observer.entered(state, label, this.now(), this.#why);
  }
}

const NO_GATES: ReadonlySet<string> = new Set();

/** Pages are sent and forgotten; they take no action's number. */
const PAGE_ACTION: ActionId = 0;

/** `{ exposed: { step: "baking" } }` -> `step.baking`. */
function stateName(value: unknown): string {
  if (typeof value === "string") return value;
  const [[parent, child]] = Object.entries(value as Record<string, unknown>);
  return parent === "exposed" ? stateName(child) : `${parent}.${stateName(child)}`;
}

function basisOf(draft: Draft): DecisionBasis {
  const { report, deciding } = draft;
  return {
    at: report?.at ?? null,
    queries: report?.snapshot.queries ?? [],
    passesOn: (snapshot) => {
      if (report === null || deciding === null) return null;
      const { results } = evaluateHealth(report.plan, snapshot, report.moment, NO_HISTORY);
      const again = results.find((result) => result.check === deciding.check);
      if (again === undefined) return null;
      return deciding.status === "breach" ? again.status !== "breach" : again.status === "pass";
    },
  };
}
