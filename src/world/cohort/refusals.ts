// What the cohort world can't do, by name: `validate` prints it, and the lab takes the request world instead.

import type { Effect } from "../effect.js";
import { duration } from "../../kernel/format.js";
import { MICROS_PER_SECOND, type Ratio } from "../../kernel/units.js";
import type { ServiceSpec } from "../spec.js";
import type { WorldInput } from "../world.js";
import { innerReleases } from "./inner-releases.js";
import { busyDatabases } from "./pool-load.js";
import { serviceCircle } from "./service-circle.js";
import { fullServices } from "./slot-load.js";
import { QUEUE_STATES_MAX } from "./queue-model.js";
import { CLASS_BITS_MAX } from "./user-classes.js";

export interface Refusal {
  readonly what: string;
  readonly why: string;
  readonly instead: string;
  /** The effect that it is about, where it is about one. */
  readonly effect?: string;
}

/** Above this share of busy connections waits and pool timeouts leave the tolerances of the agreement table. */
export const POOL_BUSY_MAX: Ratio = 0.8;

/** Slots that are asked for more than this share of their time fill their queues: there error rates leave the tolerances of the agreement table. */
export const SLOTS_BUSY_MAX: Ratio = 0.95;

const USE_REQUEST = "run it with --fidelity request";

/** Every part of the input that cohort would get wrong; empty when it can run it. */
export function cohortRefusals(input: WorldInput): Refusal[] {
  return [
    ...tooManyClasses(input),
    ...callsBack(input),
    ...input.effects.flatMap(conditionalCalls),
    ...input.effects.flatMap(ratedReplicas),
    ...input.spec.services.flatMap(longQueues),
    ...shortSlots(input),
    ...busyPools(input),
    ...fullSlots(input),
    ...mixedVersions(input),
  ];
}

/** Callers get the mixture of a called service's versions: right for one call, wrong for the next try of the same user. A twin has one version at a time. */
function mixedVersions(input: WorldInput): Refusal[] {
  if (input.noiseFree) return [];
  return innerReleases(input).map(({ service, version, effect, by }) => ({
    what: `a release of the called service ${service} whose calls fail (${effect}), where failed calls are made again (${by})`,
    why: `a user of ${version} meets ${version} at the next try too, and cohort draws the version anew, so that far too few pages fail in the end`,
    instead: `${USE_REQUEST}, or take retries of calls and reloads of pages away`,
  }));
}

/** How much a full service refuses hangs on how its queues fill and drain, and on the last retry that a budget grants. */
function fullSlots(input: WorldInput): Refusal[] {
  const limit = wholePercent(SLOTS_BUSY_MAX);
  return fullServices(input, SLOTS_BUSY_MAX).map(({ service, from, to, busiest, byRetries }) => ({
    what: `a service that is asked for more than ${limit} of what its slots can do (${service} reaches ${wholePercent(busiest)}${byRetries ? " by calls that are tried again" : ""} between ${duration(from)} and ${duration(to)})`,
    why: "it then refuses what does not fit, and cohort's error rate is off by more than the fidelities may differ",
    instead: `give ${service} more slots or less work, or ${USE_REQUEST}`,
  }));
}

/** A pool's backlog wanders slowly when its connections are nearly all busy, and for as long as they are too few. */
function busyPools(input: WorldInput): Refusal[] {
  const limit = wholePercent(POOL_BUSY_MAX);
  return busyDatabases(input, POOL_BUSY_MAX).map(({ database, from, to, busiest }) => ({
    what: `a connection pool that is more than ${limit} busy (${database} reaches ${wholePercent(busiest)} between ${duration(from)} and ${duration(to)})`,
    why: "queries then wait and time out by a backlog that wanders slowly, which cohort gets wrong by more than the fidelities may differ",
    instead: `leave ${database} more connections or fewer queries, or ${USE_REQUEST}`,
  }));
}

const wholePercent = (share: Ratio): string => `${Math.round(share * 100)} %`;

/** Each limited effect and each remote carrier doubles the number of cells. */
function tooManyClasses({ effects }: WorldInput): Refusal[] {
  const limited = effects.filter((effect) => effect.users < 1).length;
  const remote = new Set(effects.filter(isRemote).map((effect) => (effect.carrier.with === "script" ? "" : `${effect.carrier.service} ${effect.carrier.version}`))).size;
  if (limited + remote <= CLASS_BITS_MAX) return [];
  return [{
    what: `${limited} effects for a share of users and ${remote} versions with defects in other services`,
    why: `cohort follows every combination of them, up to ${CLASS_BITS_MAX} together`,
    instead: `leave at most ${CLASS_BITS_MAX} of them, or ${USE_REQUEST}`,
  }];
}

function isRemote({ carrier, target }: Effect): boolean {
  return carrier.with !== "script" && target.on === "service" && target.service !== carrier.service;
}

/** Effects on calls act in cohort for all calls of their window alike. */
function conditionalCalls(effect: Effect): Refusal[] {
  if (effect.target.on !== "link" && effect.target.on !== "database") return [];
  const conditions = [
    ...(effect.when.rpsAbove === null ? [] : ["above a request rate"]),
    ...(effect.when.afterWarmLife === 0 ? [] : ["after a time of warm life"]),
    ...(effect.users < 1 && effect.target.on === "database" ? ["for a share of users"] : []),
  ];
  return conditions.map((condition) => ({
    what: `${effect.id}: on a ${effect.target.on} only ${condition}`,
    why: "cohort knows one law per calling version and link, not one per calling replica or user",
    instead: `put the effect on the calling service's endpoint, or ${USE_REQUEST}`,
    effect: effect.id,
  }));
}

/** What these do hangs on how many requests come; everything else happens to a replica as such. */
const AT_A_RATE = new Set<Effect["what"]["kind"]>(["errors", "latency", "conversion", "cpu"]);

function ratedReplicas({ id, target, what: { kind }, when }: Effect): Refusal[] {
  if (when.rpsAbove === null || AT_A_RATE.has(kind) || (target.on !== "service" && target.on !== "zone")) return [];
  return [{
    what: `${id}: ${kind} only above a request rate`,
    why: `cohort gives a rate to the share of requests that meet an effect, and ${kind} is no matter of single requests`,
    instead: `take the rate away, or ${USE_REQUEST}`,
    effect: id,
  }];
}

/** Rates flow from service to service, callers first: a service must have all its requests before it makes its calls. */
function callsBack({ spec }: WorldInput): Refusal[] {
  const circle = serviceCircle(spec.services);
  if (circle === null) return [];
  return [{
    what: `calls that lead back into a service (${circle.join(" -> ")})`,
    why: `cohort follows calls from service to service, and those that come back into ${circle[0]} would carry no load there`,
    instead: `give the endpoint that is called a service of its own, or ${USE_REQUEST}`,
  }];
}

function longQueues(service: ServiceSpec): Refusal[] {
  const choosing = service.balancing === "least-request" || service.balancing === "power-of-two";
  const most = Math.max(service.replicas, service.autoscale?.max ?? 0);
  const states = (choosing ? most : 1) * (service.slots + service.queue);
  if (states <= QUEUE_STATES_MAX) return [];
  return [{
    what: `service ${service.name}: ${states} places in slots and queues`,
    why: `cohort tells at most ${QUEUE_STATES_MAX} numbers in the system apart`,
    instead: `shorten the queue to ${Math.max(0, Math.floor(QUEUE_STATES_MAX / (choosing ? most : 1)) - service.slots)}, or ${USE_REQUEST}`,
  }];
}

function shortSlots({ spec }: WorldInput): Refusal[] {
  return spec.traffic.flatMap((traffic) => {
    const short = traffic.spread.kind === "gamma" && traffic.spread.slot < MICROS_PER_SECOND ? "gamma slots" : null;
    const burst = traffic.bursts !== null && traffic.bursts.lasts < MICROS_PER_SECOND ? "bursts" : null;
    return [short, burst].filter((one) => one !== null).map((one) => ({
      what: `traffic into ${traffic.enters}: ${one} shorter than a second`,
      why: "cohort cuts time no finer than a second, so that such a rate would be averaged away",
      instead: `make them a second or longer, or ${USE_REQUEST}`,
    }));
  });
}
