// Where the engines' telemetry comes from: the built-in scraper's store, or a Prometheus, ours or somebody else's.

import { setTimeout as pause } from "node:timers/promises";
import type { ScriptClock } from "../../sim/stage.js";
import type { Telemetry } from "../../telemetry/query.js";
import { StoreTelemetry } from "../../telemetry/snapshot.js";
import { LOOKBACK, type SeriesStore } from "../../telemetry/store.js";
import type { TelemetrySpec } from "../../world/spec.js";
import type { GameDayGuard } from "../safety/guard.js";
import { DiscoveryFile } from "../telemetry/discovery.js";
import { checkExternalPrometheus } from "../telemetry/external-prometheus.js";
import { PrometheusProcess } from "../telemetry/prometheus-process.js";
import { PrometheusTelemetry } from "../telemetry/prometheus-telemetry.js";
import { FiguresPage } from "./figures-page.js";
import type { TelemetrySource } from "./game-day-plan.js";

/** Prometheus reads its file of targets by itself; it must have scraped all of them within this. */
const SEES_ALL_WITHIN_MS = 30_000;

/** What a game day needs of its telemetry. */
export interface EngineTelemetry {
  readonly telemetry: Telemetry;
  readonly discovery: DiscoveryFile | null;
  readonly figuresUrl: (id: string) => string | null;
  /** Waits until every target is seen as it should be; gives what is wrong when it does not come true. */
  check(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface EngineTelemetryOptions {
  readonly source: TelemetrySource;
  readonly spec: TelemetrySpec;
  readonly clock: ScriptClock;
  readonly epochMillis: number;
  readonly store: SeriesStore;
  readonly guard: GameDayGuard;
  /** Telemetry does not answer, or answers again. */
  readonly onTrouble: (text: string) => void;
  readonly onRecovery: () => void;
}

/** Starts what has to be started. Throws a PrometheusError that says why it can't. */
export async function engineTelemetry(options: EngineTelemetryOptions): Promise<EngineTelemetry> {
  const { source, clock, store } = options;
  if (source.kind === "built-in") {
    return { telemetry: new StoreTelemetry(store, clock, 0), discovery: null, figuresUrl: () => null, check: () => Promise.resolve([]), close: () => Promise.resolve() };
  }
  const page = await FiguresPage.start(store);
  const { url, discovery, stop } = await scrapingBy(options, source).catch((error: unknown) => {
    page.stop();
    throw error;
  });
  const telemetry = new PrometheusTelemetry({
    url, clock, epochMillis: options.epochMillis, lookback: lookbackOf(options.spec), onTrouble: options.onTrouble, onRecovery: options.onRecovery,
  });
  return {
    telemetry, discovery, figuresUrl: (id) => page.url(id),
    check: () => untilSeen(url, discovery, options.spec),
    close: async () => {
      page.stop();
      // Somebody else's Prometheus must not go on asking for what is gone.
      for (const { id } of discovery.targets) discovery.remove(id);
      await telemetry.close();
      await stop();
    },
  };
}

const lookbackOf = ({ lookback }: TelemetrySpec): number => lookback ?? LOOKBACK;

/** A Prometheus, and the file that it reads its targets from. */
interface Scraping {
  readonly url: string;
  readonly discovery: DiscoveryFile;
  stop(): Promise<void>;
}

const scrapingBy = async (options: EngineTelemetryOptions, source: Exclude<TelemetrySource, { readonly kind: "built-in" }>): Promise<Scraping> =>
  source.kind === "prometheus"
    ? ownPrometheus(options, source.program)
    : { url: source.url, discovery: new DiscoveryFile(options.guard.targetsFile(source.sdFile), options.guard.folder), stop: () => Promise.resolve() };

async function ownPrometheus({ guard, spec, onTrouble }: EngineTelemetryOptions, program: string): Promise<Scraping> {
  const started = await PrometheusProcess.start({
    spawn: (name, args) => guard.spawn({ role: "prometheus", run: { program: name }, args }).process,
    folder: guard.temporaryFolder("prometheus"), scrapeInterval: spec.scrape, scrapeTimeout: spec.scrape, lookback: lookbackOf(spec), program,
  });
  started.onUnexpectedExit((how) => onTrouble(`Prometheus ended (${how})`));
  return { url: started.url, discovery: started.discovery, stop: () => started.stop() };
}

async function untilSeen(url: string, { targets }: DiscoveryFile, { scrape }: TelemetrySpec): Promise<readonly string[]> {
  const deadline = performance.now() + SEES_ALL_WITHIN_MS;
  for (;;) {
    const problems = await checkExternalPrometheus(url, targets, scrape);
    if (problems.length === 0 || performance.now() > deadline) return problems;
    await pause(500);
  }
}
