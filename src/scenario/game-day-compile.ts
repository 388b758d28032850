// Turns the written `game-day` block into what a game day goes by; limits that are not written come from the objectives.

import { seconds, toSeconds } from "../kernel/units.js";
import type { AbortCondition, GameDaySpec, Objective } from "./compiled.js";
import type { Place } from "./findings.js";
import { parseRule, type RuleNames } from "./rule.js";
import type { WrittenScenario } from "./scenario-schema.js";

/** For scenarios that no file describes: real time, nothing checked and nothing to stop for. */
export const BARE_GAME_DAY: GameDaySpec = { speed: 1, stopIf: [], steadyState: { errorRate: null, p95Seconds: null, for: seconds(5), within: seconds(60) } };

export function compileGameDay(written: WrittenScenario["game-day"], place: Place, objectives: readonly Objective[], names: RuleNames): GameDaySpec {
  const { speed, "stop-if": stopIf, "steady-state": steady } = written;
  if (steady.for > steady.within) {
    const within = place.in("steady-state", "within");
    (within.written === undefined ? place.in("steady-state", "for") : within).wrong("what must hold for longer than is waited for never comes true", "make `within` longer than `for`");
  }
  return {
    speed,
    stopIf: stopIf.flatMap((text, index) => compileCondition(text, place.in("stop-if", index), names) ?? []),
    steadyState: {
      errorRate: steady["error-rate"] ?? errorRateOf(objectives),
      p95Seconds: steady.p95 === undefined ? p95Of(objectives) : toSeconds(steady.p95),
      for: steady.for,
      within: steady.within,
    },
  };
}

function compileCondition(text: string, place: Place, names: RuleNames): AbortCondition | null {
  const parsed = parseRule(text, false, names);
  if (!parsed.ok) {
    place.wrongText(parsed.start, parsed.end, parsed.message, parsed.instead);
    return null;
  }
  return { claim: parsed.rule.claim, while: parsed.rule.while, text, source: place.range };
}

function errorRateOf(objectives: readonly Objective[]): number | null {
  for (const objective of objectives) if (objective.metric === "error-rate") return objective.limit;
  return null;
}

function p95Of(objectives: readonly Objective[]): number | null {
  for (const objective of objectives) if (objective.metric === "p95") return objective.limitSeconds;
  return null;
}
