// Effects in words, for ids, timelines and messages: `errors +2% on checkout/create-order`.

import { unreachable } from "../kernel/assert.js";
import type { EffectKind, EffectTarget } from "../world/effect.js";
import { formatDuration, formatPercent } from "./units.js";

/** `errors +2% on checkout/create-order`. */
export const describeEffect = (what: EffectKind, target: EffectTarget): string => `${describeKind(what)} ${describeTarget(target)}`;

export function describeKind(what: EffectKind): string {
  switch (what.kind) {
    case "errors":
      return `errors +${formatPercent(what.ratio)}`;
    case "latency": {
      const factor = what.factor === 1 && what.add > 0 ? "" : ` x${what.factor}`;
      return `latency${factor}${what.add > 0 ? ` +${formatDuration(what.add)}` : ""}`;
    }
    case "memory-growth":
      return `memory +${Math.round(what.bytesPerMinute / 1e4) / 100}MB/min`;
    case "cpu":
      return `cpu +${formatPercent(what.add)}`;
    case "conversion":
      return `conversion -${formatPercent(what.drop)}`;
    case "capacity":
      return `capacity -${formatPercent(what.loss)}`;
    case "pool":
      return `pool -${what.taken}`;
    case "lock":
      return `lock ${formatDuration(what.hold)}`;
    case "restart-loop":
      return `crash every ${formatDuration(what.every)}`;
    case "startup-failure":
      return `startup failure ${formatPercent(what.share)}`;
    case "kill":
      return `kill ${what.count}`;
    case "outage":
      return "no answer";
    case "cache-cold":
      return "cold cache";
    case "surge":
      return `surge x${what.factor}`;
    case "drop-scrapes":
      return "scrapes dropped";
    case "lag":
      return `lag +${formatDuration(what.add)}`;
    case "flag-service-down":
      return "down";
    case "action-fails":
      return `action fails ${what.times === 1 ? "once" : `${what.times} times`}`;
    default:
      return unreachable(what);
  }
}

export function describeTarget(target: EffectTarget): string {
  switch (target.on) {
    case "service": {
      const { service, endpoint, version, replica, zone } = target;
      const parts = [`on ${service}${endpoint === undefined ? "" : `/${endpoint}`}`];
      if (version !== undefined) parts.push(version);
      if (replica !== undefined) parts.push(`replica ${replica}`);
      if (zone !== undefined) parts.push(`zone ${zone}`);
      return parts.join(" ");
    }
    case "zone":
      return `in zone ${target.zone}`;
    case "database":
      return `on ${target.database}`;
    case "link":
      return `on ${target.from} -> ${target.to}`;
    case "telemetry":
      return `in telemetry${target.service === undefined ? "" : ` of ${target.service}`}`;
    case "flag-service":
      return "of the flag service";
    case "platform":
      return `on the platform${target.command === undefined ? "" : `: ${target.command}`}`;
    case "traffic":
      return `of traffic${target.enters === undefined ? "" : ` into ${target.enters}`}`;
    default:
      return unreachable(target);
  }
}
