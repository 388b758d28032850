// Whether a Prometheus that somebody else runs sees a game day as the game day needs it.

import { basename, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { MICROS_PER_MILLI, type Micros } from "../../kernel/units.js";
import type { DiscoveredTarget } from "./discovery.js";
import { TARGET_LABELS } from "./page.js";
import { PrometheusApi, PrometheusError, type ActiveTarget } from "./prometheus-api.js";
import { duration } from "./promql.js";

const TIMEOUT_MILLIS = 2_000;
const MILLIS_OF_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Checks that every target is scraped under its labels, is up, and at the interval that the game day's windows are made
 * for. Returns what is wrong, each in one line that says what to do; nothing when all is well. Never throws.
 */
export async function checkExternalPrometheus(url: string, targets: readonly DiscoveredTarget[], interval: Micros): Promise<readonly string[]> {
  const api = new PrometheusApi({ url, timeoutMillis: TIMEOUT_MILLIS });
  try {
    const active = new Map((await api.activeTargets()).map((target) => [addressOf(target.scrapeUrl), target]));
    return targets.flatMap((target) => problemsOf(target, active.get(addressOf(target.url)), interval));
  } catch (failure) {
    if (failure instanceof PrometheusError) return [failure.message];
    return [`${url} is no address of a Prometheus`];
  } finally {
    await api.close();
  }
}

const configurationSchema = z.object({
  scrape_configs: z.array(z.object({
    job_name: z.string(), scrape_interval: z.string().default(""), file_sd_configs: z.array(z.object({ files: z.array(z.string()) })).default([]),
  })).default([]),
});

/**
 * What can be said before there is any target: whether it answers, reads the file, and scrapes its targets at the
 * interval. One line, or null when all is well. A path that it names otherwise (in a container) counts by its file name.
 */
export async function checkBeforehand(url: string, sdFile: string, interval: Micros): Promise<string | null> {
  const api = new PrometheusApi({ url, timeoutMillis: TIMEOUT_MILLIS });
  try {
    const { scrape_configs: jobs } = configurationSchema.parse(parse(await api.configuration()));
    const reads = ({ files }: { readonly files: readonly string[] }): boolean => files.some((file) => matchesGlob(basename(sdFile), basename(file)));
    const job = jobs.find(({ file_sd_configs: configs }) => configs.some(reads));
    if (job === undefined) return `Prometheus at ${url} reads no file ${basename(sdFile)}: add a scrape job with file_sd_configs: [{ files: [${resolve(sdFile)}] }]`;
    if (millisOf(job.scrape_interval) === interval / MICROS_PER_MILLI) return null;
    return `Prometheus at ${url} scrapes job ${job.job_name} every ${job.scrape_interval || "unknown time"}, the game day needs ${duration(interval)}: set scrape_interval: ${duration(interval)}`;
  } catch (failure) {
    return failure instanceof PrometheusError ? failure.message : `${url} is no address of a Prometheus`;
  } finally {
    await api.close();
  }
}

/** Prometheus' patterns of file names know one sign only. */
function matchesGlob(name: string, pattern: string): boolean {
  const star = pattern.indexOf("*");
  return star < 0 ? name === pattern : name.length >= pattern.length - 1 && name.startsWith(pattern.slice(0, star)) && name.endsWith(pattern.slice(star + 1));
}

function problemsOf(wanted: DiscoveredTarget, found: ActiveTarget | undefined, interval: Micros): string[] {
  if (found === undefined) return [`Prometheus does not scrape ${wanted.id} (${wanted.url}): let a file_sd_configs entry read the file that --sd-file names`];
  const wrong = TARGET_LABELS.filter((label) => wanted.labels[label] !== undefined && found.labels[label] !== wanted.labels[label]);
  if (wrong.length > 0) return [`Prometheus scrapes ${wanted.id} without its labels ${wrong.join(", ")}: keep those that the file gives`];
  const every = millisOf(found.scrapeInterval);
  if (every !== interval / MICROS_PER_MILLI) {
    return [`Prometheus scrapes ${wanted.id} every ${found.scrapeInterval || "unknown time"}, the game day needs ${duration(interval)}: set scrape_interval: ${duration(interval)}`];
  }
  return found.health === "up" ? [] : [`Prometheus says that ${wanted.id} is ${found.health}${found.lastError === "" ? "" : ` (${found.lastError})`}`];
}

/** Host, port and path. */
function addressOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

/** A duration of Prometheus, e.g. `1m30s`, in milliseconds; NaN when it is none. */
function millisOf(text: string): number {
  const parts = [...text.matchAll(/(\d+)(ms|[smhd])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return NaN;
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (MILLIS_OF_UNIT[unit] ?? NaN), 0);
}
