// One target in the place of many replicas answers as the many do, whenever each of them is scraped.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeriesStore } from "../../src/telemetry/store.js";
import { fixture, requests, s } from "./harness.js";

const INTERVAL = 15;
const PER_SECOND = 10;

/** Counters that grow evenly; `together` is one target scraped at the first of the offsets, else there is one for each. */
function storeOf(offsets: readonly number[], { lag, since, together }: { lag: number; since: number; together: boolean }): SeriesStore {
  const store = new SeriesStore({ lanes: 1, retention: s(900), scrape: s(INTERVAL) });
  const { schema } = fixture();
  (together ? [offsets[0]] : offsets).forEach((offset, replica) => {
    const target = store.addTarget({ id: `shop-v1-${replica}`, labels: { service: "shop", version: "v1", replica: `${replica}` }, schema });
    if (together) target.offsets = offsets.map((each) => s(each));
    for (let at = offset; at <= 600; at += INTERVAL) {
      if (at < since) continue;
      target.live[0][schema.requestsIndex(0, 0)] = at * PER_SECOND * (together ? offsets.length : 1);
      target.record(s(at), s(at + lag));
    }
  });
  return store;
}

const offsets = fc.array(fc.integer({ min: 0, max: 14_999 }).map((millis) => millis / 1000), { minLength: 2, maxLength: 8 });

describe("an increase of one target that stands for replicas", () => {
  it("is the sum of theirs, whatever of the window each one's scrapes reach", () => {
    fc.assert(fc.property(offsets, fc.integer({ min: 0, max: 20 }), fc.integer({ min: 60, max: 180 }), fc.integer({ min: 300, max: 500 }), (list, lag, window, at) => {
      const [one, many] = [true, false].map((together) => storeOf(list, { lag, since: 0, together }).query(requests("increase", window), s(at)));
      if (one.kind !== "value" || many.kind !== "value") throw new Error("nothing seen");
      expect(one.value / many.value).toBeCloseTo(1, 9);
    }), { seed: 7, numRuns: 300 });
  });

  it("loses nothing of a window that half of them reach the end of", () => {
    // Seen up to 289 at the latest: scraped at 0, the newest sample is of 285 (15 s before the end, bridged); at 10, of 280 (20 s before, by half an interval only).
    const value = (list: readonly number[], together: boolean) => storeOf(list, { lag: 11, since: 0, together }).query(requests("increase", 60), s(300));
    expect(value([0, 10], true)).toMatchObject({ kind: "value", value: (60 + 47.5) * PER_SECOND });
    expect(value([0, 0], true)).toMatchObject({ value: 2 * 60 * PER_SECOND });
    expect(value([10, 10], true)).toMatchObject({ value: 2 * 47.5 * PER_SECOND });
  });
});
