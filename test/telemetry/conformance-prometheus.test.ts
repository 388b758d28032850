// A real Prometheus over real metrics pages behaves as a Telemetry port must; skipped, visibly, where there is none.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seconds } from "../../src/kernel/units.js";
import { findOnPath } from "../../src/live/safety/children.js";
import { PrometheusProcess } from "../../src/live/telemetry/prometheus-process.js";
import { PrometheusTelemetry } from "../../src/live/telemetry/prometheus-telemetry.js";
import { conformsToTelemetry } from "./conformance.js";
import { servePage, wallClock, wallRig } from "./conformance-pages.js";

const missing = findOnPath("prometheus") === null;

describe.skipIf(missing)(missing ? "no prometheus on PATH: not compared with a real one" : "Prometheus", () => {
  const troubles: string[] = [];

  conformsToTelemetry(seconds(0.25), async ({ scrape, lookback, replicas }) => {
    const epochMillis = Date.now();
    const clock = wallClock(epochMillis);
    const folder = mkdtempSync(join(tmpdir(), "shakedown-prometheus-"));
    const pages = await Promise.all(replicas.map((replica) => servePage(replica, () => clock.now())));
    const prometheus = await PrometheusProcess.start({
      spawn: (program, args) => spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] }),
      folder, scrapeInterval: scrape, scrapeTimeout: scrape, lookback,
    });
    replicas.forEach(({ id, labels }, i) => prometheus.discovery.add({ id, labels, url: pages[i].url }));
    const telemetry = new PrometheusTelemetry({ url: prometheus.url, clock, epochMillis, lookback, onTrouble: (text) => troubles.push(text) });
    return {
      ...wallRig(clock, telemetry),
      remove: (replica) => prometheus.discovery.remove(replica.id),
      close: async () => {
        await telemetry.close();
        await prometheus.stop();
        clock.stop();
        for (const page of pages) page.close();
        rmSync(folder, { recursive: true });
      },
    };
  });

  it("answered every question", () => {
    expect(troubles).toEqual([]);
  });
});
