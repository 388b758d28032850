// Figures read the same on every machine and never lie by more than their last digit.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hours, millis, minutes, seconds } from "../../src/kernel/units.js";
import { bytes, clock, count, counted, duration, latency, money, NOTHING, percent, perSecond, significant } from "../../src/kernel/format.js";

describe("durations", () => {
  it("reads as people write it", () => {
    expect([millis(250), millis(1500), seconds(45), minutes(3) + seconds(20), minutes(15), hours(1) + minutes(12), hours(49)].map(duration))
      .toEqual(["250ms", "1.5s", "45s", "3m 20s", "15m", "1h 12m", "49h"]);
  });

  it("never says 60s where a minute is meant", () => {
    expect(duration(seconds(59.96))).toBe("1m");
    expect(duration(minutes(2) - 1)).toBe("2m");
  });

  it("says the duration to the second", () => {
    fc.assert(fc.property(fc.integer({ min: 60, max: 400_000 }), (total) => {
      const parts = [...duration(seconds(total)).matchAll(/(\d+)([hms])/g)];
      const unit = { h: 3600, m: 60, s: 1 } as const;
      const said = parts.reduce((sum, [, number, name]) => sum + Number(number) * unit[name as "h" | "m" | "s"], 0);
      expect(said).toBe(total);
    }));
  });

  it("puts a clock in the run", () => {
    expect(clock(hours(1) + minutes(12) + seconds(30.9))).toBe("+01:12:30");
    expect(clock(0)).toBe("+00:00:00");
  });
});

describe("figures", () => {
  it("keeps three digits of a share", () => {
    expect([0, 0.00104, 0.0104, 0.123, 0.5, 1, -0.061, 0.0000001].map(percent)).toEqual(["0%", "0.104%", "1.04%", "12.3%", "50%", "100%", "-6.1%", "<0.001%"]);
  });

  it("gives latencies in ms below a second", () => {
    expect([0, 0.00042, 0.312, 0.9999, 1.84, 12.345].map(latency)).toEqual(["0ms", "0.42ms", "312ms", "1s", "1.84s", "12.3s"]);
  });

  it("gives money with cents, and small prices with what they need", () => {
    expect([0, 0.005, 0.02, 0.5, 48, 1234.5, -12.3].map(money)).toEqual(["0.00 EUR", "0.005 EUR", "0.02 EUR", "0.50 EUR", "48.00 EUR", "1,234.50 EUR", "-12.30 EUR"]);
  });

  it("counts in singular and plural, thousands grouped", () => {
    expect([counted(1, "request"), counted(20, "request"), count(1_297_000), perSecond(12.44)]).toEqual(["1 request", "20 requests", "1,297,000", "12.4/s"]);
  });

  it("gives sizes in the unit that people would choose", () => {
    expect([0, 512, 1023, 1024, 96 * 1024 ** 2, 1023.6 * 1024 ** 2, 1.5 * 1024 ** 3].map(bytes)).toEqual(["0B", "512B", "1,023B", "1KiB", "96MiB", "1GiB", "1.5GiB"]);
  });

  it("stays within half of the last digit it shows", () => {
    fc.assert(fc.property(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), (value) => {
      const said = Number(significant(value, 3).replaceAll(",", ""));
      expect(Math.abs(said - value) / value).toBeLessThanOrEqual(0.00501);
    }));
  });

  it("shows a dash, never NaN or null, for what is missing", () => {
    for (const format of [duration, clock, percent, latency, money, count, perSecond, bytes]) {
      for (const missing of [null, undefined, NaN, Infinity]) expect(format(missing)).toBe(NOTHING);
    }
  });
});
