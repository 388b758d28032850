// Asks a process of a game day whether it is alive.

import { get } from "node:http";
import { MICROS_PER_MILLI, type Micros } from "../../kernel/units.js";

/** A busy machine may take a moment; Kubernetes' default is as long. */
const SHORTEST_PATIENCE_MS = 1_000;

/** Whether it answers a probe within the interval, or a second where that is longer. Never throws. */
export function isAnswering(port: number, path: string, interval: Micros): Promise<boolean> {
  return new Promise((resolve) => {
    const timeout = Math.max(SHORTEST_PATIENCE_MS, interval / MICROS_PER_MILLI);
    const asked = get({ host: "127.0.0.1", port, path, agent: false, timeout }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false));
  });
}
