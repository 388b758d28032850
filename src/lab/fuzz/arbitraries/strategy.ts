// Arbitrary strategies: rising steps, any check of any metric, every policy.

import type { Arbitrary } from "fast-check";
import { CHECK_METRICS } from "../../../scenario/strategy-schema.js";
import { fieldsOf, listOf, type Fields, type Value } from "../document.js";
import { secondsOf } from "../figure.js";
import { composed, type Hand } from "../hand.js";
import { duration, millis, percent, secondsText, whole } from "./figures.js";

type Metric = (typeof CHECK_METRICS)[number];
const INCONCLUSIVE = ["hold", "ask", "roll-back", "promote"] as const;

function steps(hand: Hand): Value[] {
  const weights: number[] = [];
  for (let weight = hand.chance(0.2) ? 100 : hand.count(1, 60); weight < 100 && weights.length < 3; weight += hand.count(1, 60)) weights.push(weight);
  return [...weights, 100].map((weight): Fields => ({
    weight: `${weight}%`,
    bake: hand.draw(duration(20, 300)),
    ...(hand.chance(0.2) ? { "max-hold": hand.draw(duration(0, 300)) } : {}),
    ...(hand.chance(0.2) ? { "min-requests": hand.draw(whole(0, 500)) } : {}),
    ...(hand.chance(0.2) ? { "on-inconclusive": hand.pick(INCONCLUSIVE) } : {}),
  }));
}

/** A limit in the unit of the metric. */
function limit(hand: Hand, metric: Metric): Value {
  switch (metric) {
    case "error-rate":
      return hand.draw(percent(0, 10));
    case "p50":
    case "p95":
    case "p99":
      return hand.draw(millis(20, 1500));
    case "throughput":
    case "conversion":
    case "cpu":
    case "memory":
    case "pool":
      return hand.draw(percent(10, 100));
    case "restarts":
    case "query-timeouts":
      return hand.chance(0.5) ? hand.count(0, 5) : `${hand.count(1, 30)}/min`;
    case "startup-failures":
    case "flag-service":
      return hand.count(0, 5);
  }
}

/** A comparison that the role allows for the metric. */
function comparison(hand: Hand, role: "gate" | "trigger", metric: Metric): Fields {
  const isShare = metric === "throughput";
  const below = (role === "gate") !== (metric === "conversion");
  return hand.weighted<() => Fields>([
    [isShare ? 0 : 5, () => (below ? { below: limit(hand, metric) } : { above: limit(hand, metric) })],
    [isShare || metric === "conversion" ? 0 : 2, () => ({ "times-baseline": hand.count(11, 60) / 10 })],
    [1, () => ({ within: hand.draw(percent(5, 200)) })],
    [1, () => ({ drops: hand.draw(percent(5, 100)) })],
  ])();
}

function persistence(hand: Hand): string {
  const of = hand.count(1, 5);
  return `${hand.count(1, of)} of ${of}`;
}

function check(hand: Hand, role: "gate" | "trigger", metric: Metric, endpoints: readonly string[]): Fields {
  const written = comparison(hand, role, metric);
  if (hand.chance(0.3)) written.for = persistence(hand);
  if (hand.chance(0.15)) written.window = hand.draw(duration(30, 600));
  if (endpoints.length > 0 && hand.chance(0.15)) written.endpoint = hand.pick(endpoints);
  if (hand.chance(0.2)) written.baseline = hand.pick(["stable", "past"]);
  if (role === "gate" && hand.chance(0.2)) written.required = hand.pick([true, false]);
  if (role === "trigger" && hand.chance(0.15)) written.hard = hand.pick(["infrastructure", "security", "startup"]);
  return written;
}

/** What tells two checks of a metric apart, as the loader names them. */
const idOf = ({ below, above, within, drops, endpoint, baseline, "times-baseline": times }: Fields): string => JSON.stringify([below, above, within, drops, times, endpoint, baseline === "past"]);

function checks(hand: Hand, role: "gate" | "trigger", endpoints: readonly string[]): Fields {
  const usual: readonly Metric[] = hand.some(["error-rate", "p95"], 0.75);
  const rare = hand.some(CHECK_METRICS.filter((metric) => metric !== "error-rate" && metric !== "p95"), 0.08);
  return Object.fromEntries([...usual, ...rare].map((metric): [string, Value] => {
    const first = check(hand, role, metric, endpoints);
    const second = hand.chance(0.1) ? check(hand, role, metric, endpoints) : first;
    return [metric, idOf(first) === idOf(second) ? first : [first, second]];
  }));
}

function rollback(hand: Hand): Fields {
  return {
    ...(hand.chance(0.5) ? { prefer: hand.pick(["flag-or-full", "full"]) } : {}),
    ...(hand.chance(0.4) ? { "stable-kept-for": hand.draw(duration(0, 600)) } : {}),
    ...(hand.chance(0.3) ? { "flag-share": hand.draw(percent(10, 100)) } : {}),
    ...(hand.chance(0.4) ? { "flag-watch": hand.draw(duration(0, 180)) } : {}),
    ...(hand.chance(0.5) ? { attempts: hand.count(1, 3) } : {}),
    ...(hand.chance(0.3) ? { "hard-triggers": hand.pick([true, false]) } : {}),
  };
}

/** Seconds until a sample is seen, and until a shift is: what the loader holds windows against. */
export interface Sight {
  readonly sample: number;
  readonly shift: number;
}

/** How the written world is seen; the usual figures where it does not say, or is in a file. */
export function sightOf(world: Value | undefined): Sight {
  const { telemetry, "split-propagation": split } = fieldsOf(world);
  const [scrape, lag] = [secondsOf(fieldsOf(telemetry).scrape) ?? 15, secondsOf(fieldsOf(telemetry).lag) ?? 5];
  return { sample: Math.max(scrape + lag, 2 * lag), shift: scrape + lag + (secondsOf(split) ?? 2) };
}

/** The strategy with windows that hold two samples and are full before their step ends, for the loader refuses others. */
function decidable(strategy: Fields, { sample, shift }: Sight): Fields {
  const least = sample + 1;
  const common = secondsOf(fieldsOf(strategy["thin-data"])["max-hold"]);
  const steps = listOf(strategy.steps).map((each): Fields => {
    const step = fieldsOf(each);
    const bake = Math.max(secondsOf(step.bake) ?? 0, least + shift);
    return { ...step, bake: secondsText(bake) };
  });
  const longest = Math.min(...steps.map((step) => (secondsOf(step.bake) ?? 0) + (secondsOf(step["max-hold"]) ?? common ?? secondsOf(step.bake) ?? 0)));
  const window = (written: Value | undefined, most: number): string => secondsText(Math.min(most, Math.max(least, secondsOf(written) ?? USUAL_WINDOW)));
  const checks = (written: Value, most: number): Value =>
    Object.fromEntries(Object.entries(fieldsOf(written)).map(([metric, of]): [string, Value] => {
      const fitted = (one: Value): Value => (fieldsOf(one).window === undefined ? one : { ...fieldsOf(one), window: window(fieldsOf(one).window, most) });
      return [metric, Array.isArray(of) ? of.map(fitted) : fitted(of)];
    }));
  const watch = secondsOf(fieldsOf(strategy.rollback)["flag-watch"]) ?? USUAL_FLAG_WATCH;
  return {
    ...strategy, steps, window: window(strategy.window, longest - shift),
    ...(strategy.every === undefined && longest >= USUAL_EVERY ? {} : { every: secondsText(Math.min(longest, secondsOf(strategy.every) ?? USUAL_EVERY)) }),
    ...(strategy.gates === undefined ? {} : { gates: checks(strategy.gates, longest - shift) }),
    ...(strategy.triggers === undefined ? {} : { triggers: checks(strategy.triggers, Infinity) }),
    ...(watch >= least ? {} : { rollback: { ...fieldsOf(strategy.rollback), "flag-watch": secondsText(least) } }),
  };
}

const USUAL_WINDOW = 120;
const USUAL_EVERY = 30;
const USUAL_FLAG_WATCH = 60;

/** A strategy written inside a scenario; `endpoints` are those of the services that it releases. */
export function arbitraryStrategy(endpoints: readonly string[], sight: Sight): Arbitrary<Fields> {
  return composed((hand) => {
    const written: Fields = { steps: steps(hand) };
    const put = (chance: number, key: string, make: () => Value): void => {
      if (hand.chance(chance)) written[key] = make();
    };
    put(0.05, "name", () => "fuzzed");
    put(0.15, "preset", () => "seed");
    put(0.7, "every", () => hand.draw(duration(5, 60)));
    put(0.7, "window", () => hand.draw(duration(15, 240)));
    put(0.8, "gates", () => checks(hand, "gate", endpoints));
    put(0.8, "triggers", () => checks(hand, "trigger", endpoints));
    put(0.4, "on-gate-fail", () => hand.pick(["hold", "roll-back"]));
    put(0.6, "thin-data", () => ({
      ...(hand.chance(0.7) ? { "min-requests": hand.draw(whole(0, 300)) } : {}),
      ...(hand.chance(0.3) ? { "max-hold": hand.draw(duration(0, 300)) } : {}),
      ...(hand.chance(0.6) ? { "on-inconclusive": hand.pick(INCONCLUSIVE) } : {}),
    }));
    put(0.25, "canary-replicas", () => hand.pick(["weight", 1, 2, 3]));
    put(0.2, "surge", () => hand.count(0, 3));
    put(0.6, "rollback", () => rollback(hand));
    put(0.3, "action-timeout", () => hand.draw(duration(5, 300)));
    put(0.5, "ask-timeout", () => hand.draw(duration(10, 600)));
    put(0.4, "on-no-answer", () => hand.pick(["hold", "roll-back", "promote"]));
    return decidable(written, sight);
  });
}
