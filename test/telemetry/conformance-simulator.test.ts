// The simulated scrape pipeline behaves as a Telemetry port must.

import { VirtualClock } from "../../src/kernel/clock.js";
import { millis, seconds, type Micros } from "../../src/kernel/units.js";
import type { WindowSnapshot } from "../../src/telemetry/query.js";
import { hashedOffset, Scraper } from "../../src/telemetry/scraper.js";
import { StoreTelemetry } from "../../src/telemetry/snapshot.js";
import { SeriesStore } from "../../src/telemetry/store.js";
import { conformsToTelemetry } from "./conformance.js";

conformsToTelemetry(seconds(0.25), ({ scrape, lookback, replicas }) => {
  const clock = new VirtualClock();
  const store = new SeriesStore({ lanes: 1, scrape, lookback, retention: seconds(60) });
  const scraper = new Scraper(store, { interval: scrape, lag: 0, missed: 0, seed: 1 });
  const telemetry = new StoreTelemetry(store, clock, millis(50));
  const targets = new Map(
    replicas.map((replica) => {
      const target = store.addTarget({ id: replica.id, labels: replica.labels, schema: replica.schema });
      scraper.register(target, hashedOffset(1, replica.id, scrape));
      return [replica, target];
    }),
  );
  const catchUp = (at: Micros): void => {
    for (let due = scraper.nextAt(); due <= at; due = scraper.nextAt()) {
      for (const [replica, target] of targets) {
        replica.update(due);
        target.live[0].set(replica.live);
        target.responding = !replica.silent;
      }
      scraper.scrapeDue(due);
    }
  };
  const pass = (duration: Micros): Promise<void> => {
    clock.runUntil(clock.now() + duration, catchUp);
    return Promise.resolve();
  };
  return Promise.resolve({
    now: () => clock.now(),
    pass,
    ask: (queries, sent) => {
      let got: WindowSnapshot | null = null;
      telemetry.ask(queries, (snapshot) => (got = snapshot));
      sent?.();
      clock.runUntil(clock.now() + millis(50), catchUp);
      return got === null ? Promise.reject(new Error("no answer")) : Promise.resolve(got);
    },
    remove: (replica) => {
      const target = targets.get(replica);
      if (target !== undefined) scraper.remove(target, clock.now());
    },
    close: () => Promise.resolve(),
  });
});
