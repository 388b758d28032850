// The columns behind the charts: a run's ends show the same traffic as its middle, however a world closes its books.

import { describe, expect, it } from "vitest";
import { seconds } from "../../src/kernel/units.js";
import { seriesOf } from "../../src/sim/series.js";
import type { Recorder, RecordRow } from "../../src/sim/recording.js";
import { closedAtScrapes, INTERVAL, recordingOf, SCRAPED_AT } from "./support/recording.js";

const row = (requests: number): { weight: number; requests: number; errors: number } => ({ weight: 1, requests, errors: 0 });

describe("requests per second", () => {
  it("are counts over the stretch between two rows", () => {
    const [, canary] = seriesOf(recordingOf([row(150), row(300), row(75)])).versions;
    expect(canary.rps).toEqual([10, 20, 5]);
  });

  it("stay level at both ends when the books are closed at scrapes", () => {
    const rate = 10;
    const counts = [SCRAPED_AT, INTERVAL, INTERVAL, INTERVAL + INTERVAL - SCRAPED_AT].map((span) => row((rate * span) / seconds(1)));
    const [, canary] = seriesOf(closedAtScrapes(recordingOf(counts))).versions;
    canary.rps.forEach((rps) => expect(rps).toBeCloseTo(rate, 9));
  });

  it("stay level where the last stretch is shorter than the time between scrapes", () => {
    const [rate, short] = [10, seconds(5)];
    const counts = [SCRAPED_AT, INTERVAL, short + INTERVAL - SCRAPED_AT].map((span) => row((rate * span) / seconds(1)));
    const [, canary] = seriesOf(closedAtScrapes(recordingOf(counts, short))).versions;
    canary.rps.forEach((rps) => expect(rps).toBeCloseTo(rate, 9));
  });

  it("are not stretched by a version whose books were closed for good long ago", () => {
    const gone = recordingOf([row(150), row(0), row(0)]);
    const rows = gone.rows.map((one): RecordRow => ({ ...one, closedAt: Float64Array.of(NaN, seconds(3)) }));
    const [, canary] = seriesOf({ ...gone, rows } as unknown as Recorder).versions;
    expect(canary.rps[2]).toBe(0);
  });
});
