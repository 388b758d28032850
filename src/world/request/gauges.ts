// Brings the gauges of targets up to date just before they are scraped, in every lane.

import type { Micros } from "../../kernel/units.js";
import type { Core } from "./core.js";
import { FrameState } from "./frames.js";
import type { Replica } from "./replica.js";

/** Writes the gauges of everything that may be scraped at `now`. */
export function refreshGauges(core: Core): void {
  const now = core.now;
  const interval = core.model.spec.telemetry.scrape;
  for (const replicas of core.lifecycle.byVersion) {
    for (const replica of replicas) {
      if ((now - replica.offset) % interval === 0) refreshReplica(core, replica, now);
    }
  }
  refreshPlatform(core);
  refreshDatabases(core);
}

function refreshReplica(core: Core, replica: Replica, now: Micros): void {
  const schema = core.meter.schemas[replica.version.index];
  const { memory } = replica.service.spec;
  replica.accrueMemory(now);
  const elapsed = now - replica.gaugedAt;
  replica.gaugedAt = now;
  for (let lane = 0; lane < replica.live.length; lane++) {
    const values = replica.live[lane];
    const work = replica.workUntil(now, lane);
    const busy = elapsed > 0 ? (work - replica.workBefore[lane]) / elapsed : replica.workingBy[lane];
    replica.workBefore[lane] = work;
    const added = replica.cpuAdd - (lane > 0 ? replica.cpuAddBy[lane] : 0);
    const grown = replica.grown[0] - (lane > 0 ? replica.grown[lane] : 0);
    values[schema.cpuIndex] = Math.min(1, replica.cpuIdle + replica.cpuPerWork * busy + added);
    values[schema.memoryIndex] = Math.min(1, (memory.base + grown) / memory.limit);
    values[schema.inFlightIndex] = replica.inFlight;
    values[schema.queueIndex] = replica.queued;
  }
  if (replica.live.length > 1 && replica.slowInSlots.mask !== 0) leaveOutSlowed(core, replica);
}

/** Lane 1 + r counts no request that release r slowed; rare enough to look at every row. */
function leaveOutSlowed(core: Core, replica: Replica): void {
  const { frames } = core;
  const schema = core.meter.schemas[replica.version.index];
  for (let frame = 0; frame < frames.highWater; frame++) {
    const state = frames.state[frame];
    const isHop = state >= FrameState.queued && state <= FrameState.backingOff;
    if (!isHop || frames.replica[frame] !== replica.id || frames.slow[frame] === 0) continue;
    for (let lane = 1; lane < replica.live.length; lane++) {
      if ((frames.slow[frame] & (1 << (lane - 1))) === 0) continue;
      replica.live[lane][schema.inFlightIndex] -= 1;
      if (state === FrameState.queued) replica.live[lane][schema.queueIndex] -= 1;
    }
  }
}

function refreshPlatform(core: Core): void {
  core.meter.platform.forEach(({ live, schema }, version) => {
    const ready = core.lifecycle.readyCount(version);
    for (const values of live) {
      values[schema.readyIndex] = ready;
      values[schema.desiredIndex] = core.lifecycle.desired[version];
    }
  });
}

function refreshDatabases(core: Core): void {
  const { frames } = core;
  for (const pool of core.databases.pools) {
    const { live, schema } = core.meter.databases[pool.model.index];
    const size = pool.model.spec.pool;
    live.forEach((values, lane) => {
      const taken = pool.taken - (lane > 0 ? pool.takenBy[lane] : 0);
      values[schema.poolInUseIndex] = Math.min(1, (pool.inUse + taken) / size);
      values[schema.poolWaitingIndex] = pool.waiting;
    });
    if (live.length === 1 || pool.blame === 0) continue;
    for (let frame = 0; frame < frames.highWater; frame++) {
      const state = frames.state[frame];
      if ((state !== FrameState.querying && state !== FrameState.waiting) || frames.target[frame] !== pool.model.index) continue;
      for (let lane = 1; lane < live.length; lane++) {
        if ((frames.slow[frame] & (1 << (lane - 1))) === 0) continue;
        if (state === FrameState.waiting) live[lane][schema.poolWaitingIndex] -= 1;
        else live[lane][schema.poolInUseIndex] = Math.max(0, live[lane][schema.poolInUseIndex] - 1 / size);
      }
    }
  }
}
