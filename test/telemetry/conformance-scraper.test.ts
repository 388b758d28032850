// The built-in scraper over real metrics pages behaves as a Telemetry port must.

import { seconds } from "../../src/kernel/units.js";
import { LiveScraper } from "../../src/live/telemetry/scrape.js";
import { StoreTelemetry } from "../../src/telemetry/snapshot.js";
import { SeriesStore } from "../../src/telemetry/store.js";
import { conformsToTelemetry } from "./conformance.js";
import { servePage, wallClock, wallRig } from "./conformance-pages.js";

conformsToTelemetry(seconds(0.25), async ({ scrape, lookback, replicas }) => {
  const clock = wallClock(Date.now());
  const store = new SeriesStore({ lanes: 1, scrape, lookback, retention: seconds(60) });
  const scraper = new LiveScraper({ store, clock, interval: scrape, timeout: scrape, seed: 1 });
  const pages = await Promise.all(replicas.map((replica) => servePage(replica, () => clock.now())));
  replicas.forEach(({ id, labels, schema }, i) => scraper.add({ id, labels, schema, url: pages[i].url }));
  return {
    ...wallRig(clock, new StoreTelemetry(store, clock, 0)),
    remove: (replica) => scraper.remove(replica.id),
    close: async () => {
      await scraper.stop();
      clock.stop();
      for (const page of pages) page.close();
    },
  };
});
