// rate() and increase() against values worked out by hand from Prometheus' rules.

import { describe, expect, it } from "vitest";
import { fixture, requests, s, scrapeRequests, valueOf } from "./harness.js";

describe("increase", () => {
  it("reaches to both ends of the window when samples lie close to them", () => {
    const f = fixture();
    scrapeRequests(f, [[1005, 1000], [1020, 1010], [1035, 1020], [1050, 1030]]);
    // Window (1000, 1060]: samples span 45 s, average interval 15 s, threshold 16.5 s.
    // Start gap 5 s, end gap 10 s, both below: factor (45 + 5 + 10) / 45; growth 30 -> 40.
    expect(valueOf(f.store.query(requests("increase", 60), s(1060)))).toBe(30 * (60 / 45));
    // The rate is that over 60 s.
    expect(valueOf(f.store.query(requests("rate", 60), s(1060)))).toBe(30 * (60 / 45 / 60));
  });

  it("reaches out by half an interval where a gap is 1.1 intervals or more", () => {
    const f = fixture();
    scrapeRequests(f, [[1030, 1000], [1045, 1010], [1060, 1020]]);
    // Window (1000, 1080]: 30 s sampled, average 15 s, threshold 16.5 s. Start gap 30 s and end gap 20 s are above it:
    // each becomes 7.5 s; factor (30 + 7.5 + 7.5) / 30 = 1.5; growth 20 -> 30.
    expect(valueOf(f.store.query(requests("increase", 80), s(1080)))).toBe(30);
  });

  it("still reaches the end where the gap is just below 1.1 intervals", () => {
    const f = fixture();
    scrapeRequests(f, [[1005, 1000], [1015, 1010], [1025, 1020]]);
    // Average 10 s, threshold 11 s. End gap 10.999 s: (20 + 5 + 10.999) / 20; at 11 s: (20 + 5 + 5) / 20.
    const window = 30;
    expect(valueOf(f.store.query(requests("increase", window + 5.999), s(1035.999)))).toBeCloseTo((20 * 35.999) / 20, 9);
    expect(valueOf(f.store.query(requests("increase", window + 6), s(1036)))).toBeCloseTo((20 * 30) / 20, 9);
  });

  it("never reaches back past the point where the counter would have been zero", () => {
    const f = fixture();
    scrapeRequests(f, [[1010, 2], [1025, 12], [1040, 22]]);
    // Window (1000, 1040]: growth 20 in 30 s; from 2 the slope meets zero 30 x 2 / 20 = 3 s earlier, nearer than the
    // start gap of 10 s. Factor (30 + 3 + 0) / 30; 20 x 1.1 = 22: all there ever was.
    expect(valueOf(f.store.query(requests("increase", 40), s(1040)))).toBeCloseTo(22, 12);
  });

  it("is zero for a flat counter, whatever the gaps", () => {
    const f = fixture();
    scrapeRequests(f, [[1005, 7], [1020, 7]]);
    expect(f.store.query(requests("increase", 60), s(1060))).toMatchObject({ kind: "value", value: 0 });
  });

  it("adds what a counter had reached before it was reset", () => {
    const f = fixture();
    scrapeRequests(f, [[1000.001, 100], [1015, 110], [1030, 4], [1045, 14], [1060, 24]]);
    // 110 - 100, then 4 after the reset, then 10 and 10: last - first + reset = 24 - 100 + 110 = 34.
    // Sampled 59.999 s; start gap 0.001 s (zero would be 59.999 x 100 / 34 = 176 s before: no clamp); end gap 0.
    expect(valueOf(f.store.query(requests("increase", 60), s(1060)))).toBeCloseTo((34 * 60) / 59.999, 9);
  });

  it("adds every one of several resets", () => {
    const f = fixture();
    scrapeRequests(f, [[1015, 50], [1030, 5], [1045, 9], [1060, 3]]);
    // 3 - 50 + 50 + 9 = 12. Zero lies 45 x 50 / 12 s before: no clamp; start gap 15 s < 16.5 s: (45 + 15) / 45.
    expect(valueOf(f.store.query(requests("increase", 60), s(1060)))).toBeCloseTo((12 * 60) / 45, 12);
  });

  it("leaves out a sample at the very start of the window (left-open, as Prometheus 3)", () => {
    const f = fixture();
    scrapeRequests(f, [[1000, 500], [1015, 1000], [1030, 1010], [1045, 1020], [1060, 1030]]);
    // (1000, 1060] holds four samples: 30 x (45 + 15 + 0) / 45 = 40. With the one at 1000 it would be 530.
    const answer = f.store.query(requests("increase", 60), s(1060));
    expect(answer).toMatchObject({ kind: "value", samples: 4, series: 1, newest: s(1060) });
    expect(valueOf(answer)).toBe(40);
  });

  it("needs two samples in the window", () => {
    const f = fixture();
    scrapeRequests(f, [[1000, 10], [1015, 20]]);
    expect(f.store.query(requests("increase", 15), s(1015))).toEqual({ kind: "absent", why: "too few samples" });
    expect(f.store.query(requests("increase", 15), s(1040))).toEqual({ kind: "absent", why: "no series" });
    expect(f.store.query(requests("increase", 16), s(1015)).kind).toBe("value");
  });

  it("takes average intervals over missed scrapes into account", () => {
    const f = fixture();
    scrapeRequests(f, [[1005, 1000], [1020, 1010], [1050, 1030]]);
    // The scrape at 1035 is missing: average (45 / 2) = 22.5 s; gaps 5 s and 10 s are below 24.75 s.
    expect(valueOf(f.store.query(requests("increase", 60), s(1060)))).toBe(30 * (60 / 45));
  });

  it("is computed per series and then summed: a restart of one replica does not hide the other's growth", () => {
    const f = fixture();
    const other = f.store.addTarget({ id: "shop-v1-1", labels: { ...f.target.labels, replica: "1" }, schema: f.schema });
    scrapeRequests(f, [[1005, 100], [1020, 110], [1035, 120], [1050, 130]]);
    scrapeRequests({ ...f, target: other }, [[1005, 900], [1020, 910], [1035, 2], [1050, 12]]);
    // First series 30 x 60 / 45 = 40. Second: 12 - 900 + 910 = 22, x 60 / 45.
    // Of the sums alone (1000, 1020, 122, 142) it would be 142 - 1000 + 1020 = 162: a reset must be seen per series.
    const answer = f.store.query(requests("increase", 60), s(1060));
    expect(answer).toMatchObject({ kind: "value", series: 2, samples: 8 });
    expect(valueOf(answer)).toBeCloseTo(40 + (22 * 60) / 45, 9);
  });

  it("looks at the window that ends `offset` before", () => {
    const f = fixture();
    scrapeRequests(f, [[1005, 1000], [1020, 1010], [1035, 1020], [1050, 1030], [1065, 9000], [1080, 9999]]);
    expect(valueOf(f.store.query(requests("increase", 60, 20), s(1080)))).toBe(40);
  });

  it("gives the same whether a window is read by its ends or row by row", () => {
    // A second target whose counter resets is read row by row; a steady one by its ends. The same samples in both ways:
    const steady = fixture();
    const broken = fixture();
    const samples = [[1005, 1000.1], [1020, 1010.7], [1035, 1020.4], [1050, 1030.9]] as const;
    scrapeRequests(steady, samples);
    for (const [time, value] of samples) {
      // Another series of the same target falls at each scrape, which breaks the shortcut for all of them.
      broken.target.live[0][broken.schema.requestsIndex(1, 0)] = 2000 - time;
      scrapeRequests(broken, [[time, value]]);
    }
    const query = requests("rate", 60);
    expect(broken.target.unbrokenSince(0)).toBe(false);
    expect(broken.store.query(query, s(1060))).toEqual(steady.store.query(query, s(1060)));
  });
});
