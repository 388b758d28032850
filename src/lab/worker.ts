// What runs in a worker thread: plays a batch of jobs from bundles that it reads at most once.

import { workerData } from "node:worker_threads";
import { assert } from "../kernel/assert.js";
import { Player, type Played, type PlayRequest } from "./play.js";
import { decodeBundle, type SharedBundle } from "./shared-bundle.js";

export interface Batch {
  readonly requests: readonly PlayRequest[];
  /** Each bundle of the requests, once. */
  readonly bundles: readonly SharedBundle[];
}

export interface PlayedBatch {
  readonly played: readonly Played[];
  readonly millis: number;
}

/** What a thread is started with. */
export interface ThreadSettings {
  /** Scenarios to keep compiled; the player's own number when left out. */
  readonly scenarios?: number;
}

const player = new Player(null, (workerData as ThreadSettings | null | undefined)?.scenarios);

/** Plays the batch in its order. */
export function playBatch({ requests, bundles }: Batch): PlayedBatch {
  const started = performance.now();
  const played = requests.map((request) =>
    player.play(request, () => {
      const shared = bundles.find(({ hash }) => hash === request.hash);
      assert(shared !== undefined, "a batch brings the bundles of its requests");
      return decodeBundle(shared);
    }),
  );
  return { played, millis: performance.now() - started };
}
