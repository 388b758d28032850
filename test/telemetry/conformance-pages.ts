// For the ports over real metrics pages: replicas as tiny HTTP servers on loopback, and wall time.

import { createServer, type Server } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { MICROS_PER_MILLI, type Micros } from "../../src/kernel/units.js";
import { WallClock } from "../../src/live/gameday/wall-clock.js";
import { renderPage } from "../../src/live/telemetry/page.js";
import type { Telemetry, TelemetryQuery, WindowSnapshot } from "../../src/telemetry/query.js";
import type { Replica, Rig } from "./conformance.js";

export interface Page {
  readonly url: string;
  close(): void;
}

/** Serves the page of a replica as of each request; a silent one takes the request and says nothing. */
export async function servePage(replica: Replica, now: () => Micros): Promise<Page> {
  const server: Server = createServer((_, response) => {
    if (replica.silent) return;
    replica.update(now());
    response.end(renderPage(replica.schema, replica.labels, replica.live));
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}/metrics`, close };
}

export function wallClock(epochMillis: number): WallClock {
  return new WallClock({
    epochMillis,
    onError: (error) => {
      throw error;
    },
  });
}

/** The parts of a rig that only need a clock that goes by itself. */
export function wallRig(clock: WallClock, telemetry: Telemetry): Pick<Rig, "now" | "pass" | "ask"> {
  return {
    now: () => clock.now(),
    pass: (duration) => pause(duration / MICROS_PER_MILLI),
    ask: (queries: readonly TelemetryQuery[], sent?: () => void) =>
      new Promise<WindowSnapshot>((resolve, reject) => {
        let answered = false;
        telemetry.ask(queries, (snapshot) => {
          if (answered) reject(new Error("answered twice"));
          answered = true;
          resolve(snapshot);
        });
        if (answered) reject(new Error("answered at once"));
        sent?.();
      }),
  };
}
