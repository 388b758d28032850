// Arbitrary scenarios: a world, a strategy and a script that know each other's names, and every other key of the format.

import type { Arbitrary } from "fast-check";
import { fieldsOf, listOf, type Fields, type Value } from "../document.js";
import { secondsOf } from "../figure.js";
import { composed, type Hand } from "../hand.js";
import { namesOf, releasesOf, type Names } from "../names.js";
import { duration, euro, factor, millis, percent, secondsText } from "./figures.js";
import { releasedEndpoints, script } from "./script.js";
import { arbitraryStrategy, sightOf } from "./strategy.js";
import { arbitraryWorld } from "./world.js";

/** Share of cases in which releases are judged. */
const JUDGED = 0.2;

/** Seconds that a case lasts: long enough for a short canary and a rollback, short enough to play many. */
const SHORTEST = 8 * 60;
const USUAL = 20 * 60;
/** A user's own strategy may be slow. */
export const LONGEST_OF_A_USER = 3 * 3600;
const LONGEST = 40 * 60;

function objectives(hand: Hand): Fields {
  return {
    ...(hand.chance(0.8) ? { "error-rate": hand.draw(percent(0, 5)) } : {}),
    ...(hand.chance(0.2) ? { p50: hand.draw(millis(20, 500)) } : {}),
    ...(hand.chance(0.6) ? { p95: hand.draw(millis(100, 2000)) } : {}),
    ...(hand.chance(0.2) ? { p99: hand.draw(millis(200, 5000)) } : {}),
    ...(hand.chance(0.3) ? { conversion: `-${hand.draw(percent(0, 50))}` } : {}),
  };
}

function cost(hand: Hand): Fields {
  const parts = hand.some(["failed-request", "slow-request", "delay-per-hour", "rollback", "page"], 0.5);
  return { ...Object.fromEntries(parts.map((key) => [key, hand.draw(euro(0, 200))])), ...(hand.chance(0.5) ? { "lost-order": hand.draw(percent(0, 100)) } : {}) };
}

export function person(hand: Hand): Fields {
  return {
    ...(hand.chance(0.8) ? { "answers-after": hand.chance(0.25) ? "never" : hand.draw(duration(0, 900)) } : {}),
    ...(hand.chance(0.7) ? { answer: hand.pick(["roll-back", "promote", "hold"]) } : {}),
  };
}

/** Claims of any kind. They are no findings: a case may expect what it likes. */
function expectation(hand: Hand, names: Names, releases: readonly string[]): Fields {
  const rule = (): string => {
    const comparison = (): string => {
      const of = hand.pick([...releases, ...names.services.map(({ name }) => name)]);
      return hand.pick([
        () => `weight(${of}) > ${hand.count(0, 99)}%`, () => `error-rate(${of}) > ${hand.count(0, 50)}%`, () => `p95(${of}) < ${hand.count(1, 2000)}ms`,
        () => `rps(${of}) >= ${hand.count(0, 50)}`, () => `replicas(${of}) != ${hand.count(0, 5)}`, () => `seen.error-rate(${of}) <= ${hand.count(0, 50)}%`,
        () => `conversion(${of}) > ${hand.count(0, 50)}%`, () => `seen.p95(${of}) < ${hand.count(1, 2000)}ms`,
      ])();
    };
    return hand.chance(0.4) ? `${comparison()} while ${comparison()}` : comparison();
  };
  if (releases.length === 0 || hand.chance(0.5)) {
    return hand.pick<() => Fields>([() => ({ never: rule() }), () => ({ always: rule() }), () => ({ "eventually-within": `${hand.draw(duration(10, 600))} ${rule()}` })])();
  }
  const claims: readonly (() => Fields)[] = [
    () => ({ classification: hand.pick(["caught", "late", "missed", "false-rollback", "clean", "undecided", "unscored"]) }),
    () => ({ truth: hand.pick(["harmful", "harmless", "borderline", "interaction", "strategy-harm", "unjudged"]) }),
    () => ({ result: hand.pick(["promoted", "flag-off", "rolled-back", "held", "rejected", "invalidated"]) }),
    () => ({ action: hand.pick(["none", "disable-flag", "roll-back", "shift-traffic"]) }),
    () => ({ cause: hand.pick(["release", "luck"]) }),
    () => ({ by: hand.pick(["engine", "person"]) }),
    () => ({ "detected-within": hand.draw(duration(10, 600)) }),
    () => ({ "mitigated-within": hand.draw(duration(10, 600)) }),
    () => ({ "restored-within": hand.draw(duration(10, 600)) }),
    () => ({ "cost-below": hand.draw(euro(1, 1000)) }),
  ];
  return { release: hand.pick(releases), ...hand.pick(claims)(), ...hand.pick(claims)() };
}

function overall(hand: Hand, releases: readonly string[]): string {
  if (releases.length === 0) return "passed in at least 50% of runs";
  return hand.pick(["passed in at least 50% of runs", `${releases[0]} caught in at least 90% of runs`, `${releases[0]} p90 detection under 3m`]);
}

function gameDay(hand: Hand, names: Names): Fields {
  return {
    ...(hand.chance(0.6) ? { speed: hand.chance(0.5) ? hand.draw(factor(1, 30)) : hand.count(1, 30) } : {}),
    ...(hand.chance(0.4) ? { "stop-if": [`error-rate(${hand.pick(names.services).name}) > 50%`] } : {}),
    ...(hand.chance(0.6) ? { "steady-state": {
      ...(hand.chance(0.5) ? { "error-rate": hand.draw(percent(0, 10)) } : {}),
      ...(hand.chance(0.5) ? { p95: hand.draw(millis(100, 2000)) } : {}),
      ...(hand.chance(0.5) ? { for: hand.draw(duration(1, 30)) } : {}),
      ...(hand.chance(0.5) ? { within: hand.draw(duration(30, 300)) } : {}),
    } } : {}),
  };
}

/** Seconds after the last step in which things may still go wrong. */
const AFTERWARDS = 300;
/** Steps take this much longer than they bake. */
const HELD_UP = 1.2;
const secondsOfSteps = (strategy: Value): number => listOf(fieldsOf(strategy).steps).reduce<number>((sum, step) => sum + (secondsOf(fieldsOf(step).bake) ?? 0) * 1, 0);
const secondsOfReleases = (script: readonly Value[]): number => Math.max(0, ...script.map((item) => secondsOf(fieldsOf(item).at) ?? 0));

/** What a case is made around; what is not given is drawn. */
export interface ScenarioFrame {
  /** A world in place of a drawn one: as its scenario refers to it, with its names. */
  readonly world?: { readonly written: Value; readonly names: Names };
  /** A strategy in place of a drawn one, as its scenario refers to it. */
  readonly strategy?: Value;
  /** Seconds that its steps take, where it is a user's: its file, or its defaults, may not be at hand. */
  readonly strategySeconds?: number;
  /** The scenario's other keys, in place of drawn ones. */
  readonly kept?: Fields;
}

/** Scenarios within the frame; each is one document. */
export function arbitraryScenario(frame: ScenarioFrame = {}): Arbitrary<Fields> {
  return composed((hand) => {
    const lasts = frame.world?.names.lasts ?? hand.count(SHORTEST / 60, USUAL / 60) * 60;
    const world = frame.world?.written ?? hand.draw(arbitraryWorld);
    const names = frame.world?.names ?? namesOf(world as Fields, lasts);
    const items = script(hand, names);
    const releases = releasesOf(items).map(({ version }) => version);
    const strategy = frame.strategy ?? hand.draw(arbitraryStrategy(releasedEndpoints(names, items), sightOf(world)));
    // Mostly there is time for the strategy to come to an end.
    const enough = frame.world === undefined && hand.chance(0.8) ? (frame.strategySeconds ?? secondsOfSteps(strategy)) * HELD_UP + secondsOfReleases(items) + AFTERWARDS : 0;
    const written: Fields = { shakedown: 1, kind: "scenario", seed: hand.count(1, 1_000), for: secondsText(Math.max(lasts, Math.min(frame.strategySeconds === undefined ? LONGEST : LONGEST_OF_A_USER, Math.round(enough / 60) * 60))) };
    if (frame.kept !== undefined) return { ...written, ...frame.kept, world, strategy, script: items };
    const put = (chance: number, key: string, make: () => Value): void => {
      if (hand.chance(chance)) written[key] = make();
    };
    put(0.05, "name", () => "fuzzed");
    put(0.05, "about", () => "A case that the fuzzer made.");
    // What users are promised judges a release by runs of its twins, several times the cost of the run itself.
    written.objectives = hand.chance(JUDGED) ? objectives(hand) : {};
    put(0.1, "cost", () => cost(hand));
    put(0.5, "person", () => person(hand));
    put(0.06, "expect", () => Array.from({ length: hand.count(1, 3) }, () => expectation(hand, names, releases)));
    put(0.05, "expect-in", () => hand.draw(percent(1, 100)));
    put(0.05, "expect-overall", () => [overall(hand, releases)]);
    put(0.05, "game-day", () => gameDay(hand, names));
    return { ...written, world, strategy, script: items };
  });
}
