// The Telemetry port over Prometheus: fetches the samples that the questions need, and asks them of our own store.

import type { Clock } from "../../kernel/clock.js";
import { MICROS_PER_MILLI, type Micros } from "../../kernel/units.js";
import { NO_SERIES } from "../../telemetry/absent.js";
import type { Answer, Selector, Telemetry, TelemetryQuery, WindowSnapshot } from "../../telemetry/query.js";
import { LOOKBACK } from "../../telemetry/store.js";
import { identityOf, observedStore } from "./observed.js";
import { PrometheusApi, type PrometheusSeries } from "./prometheus-api.js";
import { duration, labelMatchers, regexText } from "./promql.js";

export interface PrometheusTelemetryOptions {
  readonly url: string;
  readonly clock: Clock;
  /** Run time 0 in Unix milliseconds. */
  readonly epochMillis: number;
  /** Not longer than Prometheus' own; its default when left out. */
  readonly lookback?: Micros;
  /** How long an answer may take; 2 s when left out. */
  readonly timeoutMillis?: number;
  /** Each ask that failed, in one line: its answers are all absent. */
  readonly onTrouble: (text: string) => void;
  /** The first ask that worked after one that failed. */
  readonly onRecovery?: () => void;
}

/** Questions that one request to Prometheus serves: about the same targets, at the same time. */
interface Fetch {
  readonly where: Selector;
  readonly latest: boolean;
  /** The end of the range, in run time. */
  readonly end: Micros;
  readonly names: Set<string>;
  window: Micros;
  readonly places: number[];
}

const DEFAULT_TIMEOUT_MILLIS = 2_000;
/** Marks, in an answer, what is a sample's time and not its value. */
const FIGURE = "shakedown_figure";
/** What a sample's value and its time do not have in common. */
const VALUE_OR_TIME: ReadonlySet<string> = new Set(["__name__", FIGURE]);

/**
 * Samples, not figures, are asked for, and the figures come from `SeriesStore`, as in the simulator: so every version
 * of Prometheus gives the same digits (2.x takes in a sample on a range's left end, extrapolates counters near zero
 * otherwise and sums without correction), the time of the newest sample is known even of series that went stale, and
 * all questions about the same targets are one request. It costs some 25 bytes per sample in the window.
 */
export class PrometheusTelemetry implements Telemetry {
  readonly #options: PrometheusTelemetryOptions;
  readonly #api: PrometheusApi;
  readonly #lookback: Micros;
  #inTrouble = false;
  #closed = false;

  constructor(options: PrometheusTelemetryOptions) {
    this.#options = options;
    this.#api = new PrometheusApi({ url: options.url, timeoutMillis: options.timeoutMillis ?? DEFAULT_TIMEOUT_MILLIS });
    this.#lookback = options.lookback ?? LOOKBACK;
  }

  ask(queries: readonly TelemetryQuery[], deliver: (snapshot: WindowSnapshot) => void): void {
    const at = Math.floor(this.#options.clock.now());
    void this.#answers(queries, at).then((answers) => {
      // By the clock, so that what the engines throw is not lost in a promise.
      if (!this.#closed) this.#options.clock.setTimer(0, () => deliver({ at, queries, answers }));
    });
  }

  /** Answers no more: what is under way is not delivered. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#api.close();
  }

  /** All answers, or absence of them all: half a picture is none to decide on. */
  async #answers(queries: readonly TelemetryQuery[], at: Micros): Promise<readonly Answer[]> {
    try {
      const answers = new Array<Answer>(queries.length).fill(NO_SERIES);
      await Promise.all(plan(queries, at).map((fetch) => this.#serve(fetch, queries, at, answers)));
      if (this.#inTrouble && !this.#closed) this.#options.onRecovery?.();
      this.#inTrouble = false;
      return answers;
    } catch (failure) {
      this.#inTrouble = true;
      if (!this.#closed) this.#options.onTrouble(failure instanceof Error ? failure.message : String(failure));
      return queries.map(() => NO_SERIES);
    }
  }

  async #serve(fetch: Fetch, queries: readonly TelemetryQuery[], at: Micros, answers: Answer[]): Promise<void> {
    const { epochMillis } = this.#options;
    const endMillis = Math.floor(fetch.end / MICROS_PER_MILLI);
    const found = await this.#api.query(expression(fetch), epochMillis + endMillis);
    const series = fetch.latest ? withOwnTimes(found) : found;
    const store = observedStore(series, { epochMillis, lookback: this.#lookback, reach: fetch.window + 2 * MICROS_PER_MILLI });
    for (const place of fetch.places) answers[place] = store.query(queries[place], at);
  }
}

/** Puts queries together that are about the same targets as of the same time. */
function plan(queries: readonly TelemetryQuery[], at: Micros): readonly Fetch[] {
  const fetches = new Map<string, Fetch>();
  queries.forEach((query, place) => {
    const { service, version, replica, database } = query.where;
    const latest = query.fn === "latest";
    const key = JSON.stringify([service, version, replica, database, query.offset ?? 0, latest && query.metric].map((part) => part ?? null));
    let fetch = fetches.get(key);
    if (fetch === undefined) {
      fetch = { where: query.where, latest, end: at - (query.offset ?? 0), names: new Set(), window: 0, places: [] };
      fetches.set(key, fetch);
    }
    fetch.names.add(fetchedName(query));
    fetch.window = Math.max(fetch.window, query.window);
    fetch.places.push(place);
  });
  return [...fetches.values()];
}

/** The name of the series that a query needs; a histogram's count is its last bucket. */
function fetchedName({ metric }: TelemetryQuery): string {
  return metric === "http_request_duration_seconds" || metric === "http_request_duration_seconds_count" ? "http_request_duration_seconds_bucket" : metric;
}

/**
 * For ranges the samples themselves: a millisecond more on the left than is needed, since the end is cut to whole
 * milliseconds; the store takes from them what lies in each query's range. For instants the values as Prometheus'
 * own staleness sees them, and beside them their times.
 */
function expression(fetch: Fetch): string {
  const names = [...fetch.names].sort();
  const name = names.length === 1 ? `__name__="${names[0]}"` : `__name__=~"${names.map(regexText).join("|")}"`;
  const selector = `{${[name, ...labelMatchers(fetch.where)].join(",")}}`;
  if (fetch.latest) return `${selector} or label_replace(timestamp(${selector}), "${FIGURE}", "time", "", "")`;
  return `${selector}[${duration(Math.ceil(fetch.window / MICROS_PER_MILLI) * MICROS_PER_MILLI + MICROS_PER_MILLI)}]`;
}

/** Gives each latest value the time of its sample instead of that of the question. */
function withOwnTimes(found: readonly PrometheusSeries[]): readonly PrometheusSeries[] {
  const keyOf = (one: PrometheusSeries): string => identityOf(one, VALUE_OR_TIME);
  const times = new Map(found.filter(({ labels }) => labels[FIGURE] !== undefined).map((one) => [keyOf(one), Math.round(one.values[0] * 1000)]));
  return found.flatMap((one) => {
    const time = times.get(keyOf(one));
    return one.labels[FIGURE] !== undefined || time === undefined ? [] : [{ ...one, times: [time] }];
  });
}
