// When effects begin and end, and when those that depend on a rate are looked at again.

import { MICROS_PER_SECOND } from "../../kernel/units.js";
import { inWindow, type EffectModel } from "../active-effects.js";
import type { Core } from "./core.js";

/** Puts every effect's window, and the rate ticks if any effect needs them, on the agenda. */
export function scheduleEffects(core: Core): void {
  for (const effect of core.model.effects) {
    if (effect.to <= Math.max(effect.from, 0)) continue;
    core.agenda.at(Math.max(effect.from, 0), () => begin(core, effect));
    if (effect.to < Infinity) core.agenda.at(effect.to, () => end(core, effect));
  }
  if (core.effects.rated.length > 0) core.agenda.at(MICROS_PER_SECOND, () => rateTick(core));
}

function begin(core: Core, effect: EffectModel): void {
  noteFault(core, effect, "effect-started");
  setTelemetry(core, effect);
  if (core.effects.setOpen(effect, true)) actOn(core, effect);
}

function end(core: Core, effect: EffectModel): void {
  noteFault(core, effect, "effect-ended");
  setTelemetry(core, effect);
  if (core.effects.setOpen(effect, false)) actOn(core, effect);
}

/** Defects are the world's secret until they show; faults are the script's and stand in the timeline. */
function noteFault(core: Core, effect: EffectModel, kind: "effect-started" | "effect-ended"): void {
  if (effect.release < 0) core.note(kind, null, null, effect.effect.id);
}

/** Replicas, pools and locks take notice of an effect that was armed or disarmed; a kill happens when it is armed. */
function actOn(core: Core, effect: EffectModel): void {
  const { onReplica, onDatabase } = core.effects;
  onReplica.forEach((list, version) => {
    if (list === null || !list.includes(effect)) return;
    for (const replica of [...core.lifecycle.byVersion[version]]) core.replicaEffects.refresh(replica);
  });
  if (onDatabase.some((list) => list !== null && list.includes(effect))) core.databases.refresh();
  const { what } = effect.effect;
  if (what.kind === "kill" && core.effects.armed[effect.index] === 1) core.lifecycle.killSome(effect, what.count);
}

/** Looks at all windows, since two gaps may overlap: the end of one is not the end of the other. */
function setTelemetry(core: Core, effect: EffectModel): void {
  const { scraper, meter, now, model } = core;
  const open = model.effects.filter((other) => other.kind === effect.kind && inWindow(other, now));
  const service = effect.service < 0 ? null : model.services[effect.service].spec.name;
  if (effect.kind === "drop-scrapes") {
    scraper.setGap(service, open.some((other) => other.service === effect.service));
  } else if (effect.kind === "lag") {
    const together = open.filter((other) => other.service === effect.service);
    scraper.setLag(together.reduce((sum, { effect: { what } }) => sum + (what.kind === "lag" ? what.add : 0), 0), service);
  } else if (effect.kind === "flag-service-down") {
    for (const live of meter.flagService.live) live[meter.flagService.schema.upIndex] = open.length > 0 ? 0 : 1;
  }
}

function rateTick(core: Core): void {
  for (const effect of core.effects.rated) {
    if (core.effects.updateRate(effect, core.now, readyReplicas(core, effect))) actOn(core, effect);
  }
  core.agenda.at(core.now + MICROS_PER_SECOND, () => rateTick(core));
}

/** Ready replicas of what the effect's rate is counted on; a database counts as one. */
function readyReplicas(core: Core, effect: EffectModel): number {
  if (effect.database >= 0) return 1;
  const service = effect.linkFrom >= 0 ? effect.linkFrom : effect.service;
  let ready = 0;
  for (const version of core.model.versions) {
    if (service >= 0 && version.service !== service) continue;
    if (effect.version >= 0 && effect.version !== version.index) continue;
    const ownCarrier = effect.carrierVersion >= 0 && effect.carrierService === version.service;
    if (ownCarrier && effect.carrierVersion !== version.index) continue;
    ready += core.lifecycle.readyCount(version.index);
  }
  return ready;
}
