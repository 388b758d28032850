// Puts recorded samples into a Prometheus of the test's own, as blocks, without any scrape.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seconds } from "../../../src/kernel/units.js";
import { PrometheusApi } from "../../../src/live/telemetry/prometheus-api.js";
import { PrometheusProcess } from "../../../src/live/telemetry/prometheus-process.js";
import { selectorText } from "../../../src/live/telemetry/page.js";
import { LOOKBACK } from "../../../src/telemetry/store.js";

export interface RecordedSeries {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** [Unix milliseconds, value] */
  readonly samples: readonly (readonly [number, number])[];
}

export interface LoadedPrometheus {
  readonly url: string;
  readonly version: string;
  readonly api: PrometheusApi;
  close(): Promise<void>;
}

/** Starts a Prometheus that holds just these series. */
export async function prometheusWith(series: readonly RecordedSeries[]): Promise<LoadedPrometheus> {
  const folder = mkdtempSync(join(tmpdir(), "shakedown-oracle-"));
  const input = join(folder, "series.om");
  const lines = series.flatMap(({ name, labels, samples }) =>
    samples.map(([time, value]) => `${name}${selectorText(Object.entries(labels))} ${value} ${(time / 1000).toFixed(3)}`),
  );
  writeFileSync(input, `${lines.join("\n")}\n# EOF\n`);
  execFileSync("promtool", ["tsdb", "create-blocks-from", "openmetrics", input, join(folder, "data")], { stdio: "pipe" });
  const prometheus = await PrometheusProcess.start({
    // The blocks are years old; nothing may come and tidy them away.
    spawn: (program, args) => spawn(program, [...args, "--storage.tsdb.retention.time=100y"], { stdio: ["ignore", "ignore", "pipe"] }),
    folder, scrapeInterval: seconds(60), scrapeTimeout: seconds(10), lookback: LOOKBACK,
  });
  const api = new PrometheusApi({ url: prometheus.url, timeoutMillis: 10_000 });
  return {
    url: prometheus.url,
    version: prometheus.version,
    api,
    close: async () => {
      await api.close();
      await prometheus.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
