// Units as people write them, read exactly, and refused with advice.

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { civilFromDays, civilMicros, daysFromCivil, formatCivil } from "../../src/scenario/civil-time.js";
import { formatDuration, formatPercent, parseBytes, parseCivilTime, parseDuration, parseDurationRange, parseEuro, parseFactor, parseGrowth, parsePercent, parsePersistence, parseRate, parseTimeOfDay, type Parsed } from "../../src/scenario/units.js";

const value = <T>(parsed: Parsed<T>): T => {
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
};
const refusal = <T>(parsed: Parsed<T>): string => (parsed.ok ? "none" : `${parsed.message} | ${parsed.instead}`);

describe("durations", () => {
  it.each([["15m", 900e6], ["250ms", 250e3], ["1h30m", 5400e6], ["2d", 172_800e6], ["0s", 0], ["1.5s", 1.5e6], ["7us", 7], ["1h 30m", 5400e6], ["2w", 1_209_600e6]])("read %s", (text, micros) => {
    expect(value(parseDuration(text))).toBe(micros);
  });

  it.each([["15", "`15` has no unit | write 15m, 15s or 15ms, not 15"], ["-5m", "a duration can't be negative: `-5m` | write 5m"], ["-x", "a duration can't be negative: `-x` | write 15m"], ["1e3", "`e` is no unit of time | units of time: us, ms, s, m, h, d, w"], ["15min", "`min` is no unit of time | write 15m"], ["5x", "`x` is no unit of time | units of time: us, ms, s, m, h, d, w"], ["", "`` is no duration | write it like 250ms, 90s, 15m, 1h30m or 2d"], ["400d", "`400d` is longer than a year | write at most 366d"]])("refuse %s", (text, message) => {
    expect(refusal(parseDuration(text))).toBe(message);
  });

  it("come back from their text, whatever they are", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 366 * 86_400e6 }), (micros) => value(parseDuration(formatDuration(micros))) === micros));
  });

  it("make ranges", () => {
    expect(value(parseDurationRange("1s-10s"))).toEqual({ from: 1e6, to: 10e6 });
    expect(refusal(parseDurationRange("10s-1s"))).toBe("the range `10s-1s` runs backwards | write 1s-10s");
  });
});

describe("the other units", () => {
  it("read percentages with their sign, and no bare numbers", () => {
    expect([value(parsePercent("0.5%")), value(parsePercent("+2%")), value(parsePercent("-30 %")), value(parsePercent("100%"))]).toEqual([0.005, 0.02, -0.3, 1]);
    expect(refusal(parsePercent("0.05"))).toBe("`0.05` has no unit | write 5%, not 0.05");
    expect(refusal(parsePercent("5"))).toBe("`5` has no unit | write 5%, not 5");
  });

  it("read rates, sizes, money, factors and growth", () => {
    expect([value(parseRate("400rps")), value(parseRate("20/min")), value(parseRate("3600/h")), value(parseRate("60rpm"))]).toEqual([400, 20 / 60, 1, 1]);
    expect([value(parseBytes("2GiB")), value(parseBytes("400MB")), value(parseBytes("1.5KiB"))]).toEqual([2 * 1024 ** 3, 400e6, 1536]);
    expect([value(parseEuro("48EUR")), value(parseEuro("0.02 EUR")), value(parseEuro("€5")), value(parseEuro("5€"))]).toEqual([48, 0.02, 5, 5]);
    expect([value(parseFactor("x3")), value(parseFactor("1.5x"))]).toEqual([3, 1.5]);
    expect([value(parseGrowth("+5MB/min")), value(parseGrowth("60MB/h")), value(parseGrowth("1MB/s"))]).toEqual([5e6, 1e6, 60e6]);
    expect([value(parsePersistence("3 of 5")), value(parseTimeOfDay("14:30")), value(parseTimeOfDay("20h"))]).toEqual([{ need: 3, of: 5 }, 52_200e6, 72_000e6]);
  });

  it("refuse the unit of another kind", () => {
    expect(refusal(parseRate("400"))).toBe("`400` has no unit | write 400rps, not 400");
    expect(refusal(parseBytes("5XB"))).toBe("`XB` is no unit of size | units of size: B, kB, MB, GB, KiB, MiB, GiB");
    expect(refusal(parseEuro("48USD"))).toBe("`48USD` is no amount of money | write it like 48EUR or 0.02EUR");
    expect(refusal(parsePersistence("0 of 5"))).toBe("`0 of 5` can't be met | write 1 of 5");
    expect(refusal(parseTimeOfDay("25:00"))).toBe("`25:00` is no time of day | write it like 14:00");
  });

  it("never throw and never give a number that is not finite, whatever the text", () => {
    const parsers: readonly ((text: string) => Parsed<unknown>)[] = [parseDuration, parseDurationRange, parsePercent, parseRate, parseBytes, parseEuro, parseFactor, parseGrowth, parsePersistence, parseCivilTime, parseTimeOfDay];
    const pieces = fc.array(fc.constantFrom("1", "15", "0.5", "9".repeat(40), "m", "ms", "%", "rps", "MB", "/min", "EUR", "x", " of ", "-", "+", ":", " ", "e9", "."), { maxLength: 6 }).map((parts) => parts.join(""));
    fc.assert(fc.property(fc.oneof(fc.string(), pieces), (text) =>
      parsers.every((parse) => {
        const parsed = parse(text);
        return parsed.ok ? typeof parsed.value !== "number" || Number.isFinite(parsed.value) : parsed.message !== "" && parsed.instead !== "";
      })), { numRuns: 300 });
  });

  it("write percentages without noise", () => {
    expect([formatPercent(0.07), formatPercent(0.005), formatPercent(1)]).toEqual(["7%", "0.5%", "100%"]);
  });
});

describe("calendar time", () => {
  it("agrees with the platform's own calendar for two thousand years", () => {
    fc.assert(fc.property(fc.integer({ min: -354_285, max: 376_200 }), (days) => {
      const date = new Date(days * 86_400_000);
      const civil = civilFromDays(days);
      return civil.year === date.getUTCFullYear() && civil.month === date.getUTCMonth() + 1 && civil.day === date.getUTCDate() && daysFromCivil(civil.year, civil.month, civil.day) === days;
    }));
  });

  it("reads a time of the trace, and knows no 30th of February", () => {
    expect(value(parseCivilTime("2014-04-14 09:00"))).toBe(Date.UTC(2014, 3, 14, 9) * 1000);
    expect(value(parseCivilTime("2014-04-14T09:00:30Z"))).toBe(Date.UTC(2014, 3, 14, 9, 0, 30) * 1000);
    expect(formatCivil(value(parseCivilTime("2016-02-29 23:59")))).toBe("2016-02-29 23:59");
    expect([civilMicros([2015, 2, 29]), civilMicros([2014, 13, 1]), civilMicros([2014, 4, 31]), civilMicros([1900, 2, 29])]).toEqual([null, null, null, null]);
    expect(refusal(parseCivilTime("14/04/2014"))).toBe("`14/04/2014` is no date and time | write it like 2014-04-14 09:00 (UTC)");
  });
});
