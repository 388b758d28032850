// Shows each circuit breaker the calls of a stretch and tells the world when it opens or closes.

import { EventClass } from "../../kernel/clock.js";
import type { Micros } from "../../kernel/units.js";
import type { Model } from "../model.js";
import type { BreakerState } from "./breaker-state.js";
import type { VersionState } from "./service-state.js";
import type { Stage } from "./stage.js";

/** The calls of the version to the callee in the stretch that ends at `next`. */
export function watchBreaker(stage: Stage, version: VersionState, callee: number, breaker: BreakerState, next: Micros, stretch: Micros): void {
  let [rate, failing] = [0, 0];
  for (const links of version.links) {
    for (const link of links) {
      if (link.call.callee !== callee) continue;
      rate += link.rate;
      failing += link.rate * link.failing;
    }
  }
  // A trial is a call: where nobody makes one it stays open.
  if (breaker.open && !isAsked(stage.model, version, callee)) return;
  if (breaker.open) failing = wouldFail(version, callee);
  else if (rate > 0) failing /= rate;
  const change = breaker.observe(next, stretch, rate, failing, blameOf(version, callee));
  if (change === 0) return;
  stage.touch();
  const { fleet } = version;
  stage.note(change > 0 ? "breaker-opened" : "breaker-closed", fleet,
    `${fleet.service.spec.name} ${fleet.version.name} ${change > 0 ? "stopped calling" : "calls"} ${calleeName(stage.model, callee)}${change > 0 ? "" : " again"}`);
  if (change > 0) stage.agenda.at(Math.max(next, breaker.openUntil), EventClass.world, () => undefined);
}

/** Whether requests come that would call the callee. */
function isAsked({ services }: Model, version: VersionState, callee: number): boolean {
  const { endpoints } = services[version.fleet.version.service];
  return version.pools.some(({ kind, cells }) =>
    kind === "serving" && cells.some(({ rate, slot }) => rate > 0 && endpoints[slot].calls.some((call) => call.callee === callee)));
}

/** The chance that a call would fail if one were made: one of those that were made when the breaker opened. */
function wouldFail(version: VersionState, callee: number): number {
  let [calls, failing] = [0, 0];
  for (const links of version.links) {
    for (const link of links) {
      if (link.call.callee !== callee) continue;
      calls += link.rateAtOpening;
      failing += link.rateAtOpening * link.wouldFail;
    }
  }
  return calls > 0 ? failing / calls : 0;
}

/** Releases to blame for failures of calls to the callee. */
function blameOf(version: VersionState, callee: number): number {
  let blame = 0;
  for (const links of version.links) {
    for (const link of links) if (link.call.callee === callee) for (const part of link.law.parts) if (part.fail.total > 0) blame |= part.blame;
  }
  return blame;
}

function calleeName({ services, databases }: Model, callee: number): string {
  return callee < services.length ? services[callee].spec.name : databases[callee - services.length].spec.name;
}
