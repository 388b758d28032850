// The scrape loop: appointments, what is missed, and what each way of not being scraped leaves behind.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Micros } from "../../src/kernel/units.js";
import type { TelemetryQuery } from "../../src/telemetry/query.js";
import { databaseSchema, platformSchema } from "../../src/telemetry/schema.js";
import { Scraper, hashedOffset, missedByChance, type ScraperOptions } from "../../src/telemetry/scraper.js";
import type { Target } from "../../src/telemetry/target.js";
import { fixture, s, type Fixture } from "./harness.js";

interface Scraped extends Fixture {
  readonly scraper: Scraper;
}

function scraped(options: Partial<ScraperOptions> = {}): Scraped {
  const f = fixture();
  const scraper = new Scraper(f.store, { interval: s(15), lag: s(5), missed: 0, seed: 7, ...options });
  return { ...f, scraper };
}

/** Plays every scrape up to and including `end`; returns the times of all. */
function run(scraper: Scraper, end: Micros): Micros[] {
  const times: Micros[] = [];
  while (scraper.nextAt() <= end) {
    times.push(scraper.nextAt());
    scraper.scrapeDue(scraper.nextAt());
  }
  return times;
}

const timesOf = (target: Target): Micros[] => Array.from({ length: target.rows }, (_, row) => target.timeOf(row));
const latest = (metric: "up" | "memory_usage_ratio"): TelemetryQuery => ({
  fn: "latest",
  metric,
  across: "sum",
  where: { service: "shop" },
  window: s(60),
});

describe("appointments", () => {
  it("come at each target's own offset, in the order of time and then of registration", () => {
    const { scraper, store, schema, target } = scraped();
    const other = store.addTarget({ id: "b", labels: {}, schema });
    const third = store.addTarget({ id: "c", labels: {}, schema });
    scraper.register(target, s(4));
    scraper.register(other, s(1));
    scraper.register(third, s(4));
    expect(run(scraper, s(34))).toEqual([s(1), s(4), s(16), s(19), s(31), s(34)]);
    expect(timesOf(target)).toEqual([s(4), s(19), s(34)]);
    expect(timesOf(third)).toEqual(timesOf(target));
    expect(timesOf(other)).toEqual([s(1), s(16), s(31)]);
  });

  it("of a target that comes later begin at its next offset", () => {
    const { scraper, store, schema, target } = scraped();
    scraper.register(target, s(4));
    run(scraper, s(100));
    const late = store.addTarget({ id: "late", labels: {}, schema });
    scraper.register(late, s(11), s(102));
    expect(run(scraper, s(120))).toEqual([s(109), s(116)]);
    expect(timesOf(late)).toEqual([s(116)]);
  });

  it("refuse to be overdue: live values would be of another time", () => {
    const { scraper, target } = scraped();
    scraper.register(target, s(4));
    expect(() => scraper.scrapeDue(s(5))).toThrow(/overdue/);
  });

  it("are nowhere when there is no target", () => {
    expect(scraped().scraper.nextAt()).toBe(Infinity);
  });

  it("have hashed offsets: whole milliseconds within the interval, spread, other for another seed", () => {
    const offsets = Array.from({ length: 400 }, (_, i) => hashedOffset(7, `shop-v1-${i}`, s(15)));
    expect(offsets.every((offset) => offset >= 0 && offset < s(15) && offset % 1000 === 0)).toBe(true);
    const quarters = [0, 0, 0, 0];
    for (const offset of offsets) quarters[Math.floor((4 * offset) / s(15))] += 1;
    // 100 each, standard deviation 8.7: four of those on either side.
    for (const quarter of quarters) expect(Math.abs(quarter - 100)).toBeLessThan(35);
    expect(hashedOffset(8, "shop-v1-0", s(15))).not.toBe(offsets[0]);
    expect(hashedOffset(7, "shop-v1-0", s(15))).toBe(offsets[0]);
  });
});

describe("lag", () => {
  it("delays sight, not the time of the sample; extra lag holds what comes after it back as well", () => {
    const { scraper, store, target } = scraped();
    scraper.register(target, s(0));
    const seen = (at: Micros): Micros | null => {
      const answer = store.query(latest("up"), at);
      return answer.kind === "value" ? answer.newest : null;
    };
    run(scraper, s(15));
    expect([seen(s(19)), seen(s(20))]).toEqual([s(0), s(15)]);
    scraper.setLag(s(60));
    run(scraper, s(30));
    scraper.setLag(0);
    run(scraper, s(45));
    // The one of 30 s arrives at 95 s, and that of 45 s not before it.
    expect([seen(s(94)), seen(s(95))]).toEqual([s(15), s(45)]);
  });

  it("of one service adds to everybody's, and leaves databases and the platform's exporter in time", () => {
    const { scraper, store, target } = scraped();
    const orders = store.addTarget({ id: "orders", labels: {}, schema: databaseSchema({ database: "orders" }) });
    const labels = { service: "shop", version: "v1" };
    const platform = store.addTarget({ id: "platform", labels, schema: platformSchema(labels) });
    for (const one of [target, orders, platform]) scraper.register(one, s(0));
    scraper.setLag(s(60), "shop");
    scraper.setLag(s(10));
    run(scraper, s(0));
    const inSight = (at: Micros): boolean[] => [target, orders, platform].map((one) => one.lastRow(s(-1), s(0), at) === 0);
    expect(inSight(s(14))).toEqual([false, false, false]);
    expect(inSight(s(15))).toEqual([false, true, true]);
    expect(inSight(s(74))).toEqual([false, true, true]);
    expect(inSight(s(75))).toEqual([true, true, true]);
  });
});

describe("what is not scraped", () => {
  it("by chance leaves nothing, at the share that was set", () => {
    const { scraper, target } = scraped({ missed: 0.2 });
    scraper.register(target, s(3));
    const due = run(scraper, s(15 * 2000)).length;
    // Binomial: mean 1600 of 2000, standard deviation 17.9.
    expect(Math.abs(target.rows / due - 0.8)).toBeLessThan(0.036);
  });

  it("by chance is the same for whoever asks", () => {
    const { scraper, target } = scraped({ missed: 0.3 });
    scraper.register(target, s(3));
    const due = run(scraper, s(600));
    const isMissed = missedByChance(7, 0.3, s(15));
    expect(target.rows).toBeLessThan(due.length);
    expect(timesOf(target)).toEqual(due.filter((at) => !isMissed(target.id, at)));
  });

  it("by chance is another target's matter: its misses do not depend on who else is scraped", () => {
    const alone = scraped({ missed: 0.3 });
    alone.scraper.register(alone.target, s(3));
    const company = scraped({ missed: 0.3 });
    const other = company.store.addTarget({ id: "other", labels: {}, schema: company.schema });
    company.scraper.register(other, s(1));
    company.scraper.register(company.target, s(3));
    for (const { scraper } of [alone, company]) run(scraper, s(600));
    expect(timesOf(company.target)).toEqual(timesOf(alone.target));
    expect(timesOf(other).map((at) => at + s(2))).not.toEqual(timesOf(alone.target));
  });

  it("in a gap of its service leaves nothing, and others are scraped on", () => {
    const { scraper, store, target } = scraped();
    const orders = store.addTarget({ id: "orders", labels: { database: "orders" }, schema: databaseSchema({ database: "orders" }) });
    scraper.register(target, s(0));
    scraper.register(orders, s(0));
    run(scraper, s(15));
    scraper.setGap("shop", true);
    run(scraper, s(45));
    scraper.setGap("shop", false);
    run(scraper, s(60));
    expect(timesOf(target)).toEqual([s(0), s(15), s(60)]);
    expect(timesOf(orders)).toHaveLength(5);
  });

  it("in a gap of its service does not silence the platform's exporter", () => {
    const { scraper, store } = scraped();
    const labels = { service: "shop", version: "v1" };
    const platform = store.addTarget({ id: "platform", labels, schema: platformSchema(labels) });
    scraper.register(platform, s(0));
    scraper.setGap("shop", true);
    run(scraper, s(30));
    expect(timesOf(platform)).toHaveLength(3);
  });

  it("in a gap of everything leaves nothing at all", () => {
    const { scraper, target } = scraped();
    scraper.register(target, s(0));
    scraper.setGap(null, true);
    run(scraper, s(45));
    scraper.setGap(null, false);
    run(scraper, s(60));
    expect(timesOf(target)).toEqual([s(60)]);
  });

  it("because the target does not answer leaves stale markers and `up` 0", () => {
    const { scraper, store, target } = scraped({ lag: 0 });
    scraper.register(target, s(0));
    target.live[0][2] = 0.5;
    run(scraper, s(15));
    target.responding = false;
    run(scraper, s(30));
    expect(store.query(latest("memory_usage_ratio"), s(30)).kind).toBe("absent");
    expect(store.query(latest("up"), s(30))).toMatchObject({ value: 0 });
    target.responding = true;
    run(scraper, s(45));
    expect(store.query(latest("memory_usage_ratio"), s(45))).toMatchObject({ value: 0.5 });
  });
});

describe("a target that is removed", () => {
  it("goes stale as of its next appointment, written 1.1 intervals after it, `up` too", () => {
    const { scraper, store, target } = scraped({ lag: 0 });
    scraper.register(target, s(0));
    run(scraper, s(15));
    scraper.remove(target, s(20));
    expect(run(scraper, s(90))).toEqual([s(30)]);
    // The marker has the time 30 s; Prometheus writes it at 30 + 15 + 1.5 s, in case the target comes back.
    expect(store.query(latest("up"), s(46.5) - 1)).toMatchObject({ value: 1, newest: s(15) });
    expect(store.query(latest("up"), s(46.5))).toEqual({ kind: "absent", why: "no series" });
    expect(scraper.nextAt()).toBe(Infinity);
  });

  it("leaves no marker when everything was in a gap: the last value stays for the lookback", () => {
    const { scraper, store, target } = scraped({ lag: 0 });
    scraper.register(target, s(0));
    run(scraper, s(15));
    scraper.setGap(null, true);
    scraper.remove(target, s(20));
    run(scraper, s(90));
    expect(store.query(latest("up"), s(15 + 299))).toMatchObject({ value: 1 });
    expect(store.query(latest("up"), s(15 + 300)).kind).toBe("absent");
  });

  it("leaves nothing when it was never scraped", () => {
    const { scraper, target } = scraped();
    scraper.register(target, s(10));
    scraper.remove(target, s(5));
    expect(run(scraper, s(60))).toEqual([s(10)]);
    expect(target.rows).toBe(0);
  });

  it("is forgotten by the store once its samples are out of reach", () => {
    const { scraper, store, schema, target } = scraped();
    scraper.register(target, s(0));
    run(scraper, s(30));
    scraper.remove(target, s(31));
    run(scraper, s(45));
    store.prune(s(45) + store.retention - 1);
    expect(store.targets).toContain(target);
    store.prune(s(45) + store.retention);
    expect(store.targets).not.toContain(target);
    // Its id is free again.
    expect(() => store.addTarget({ id: target.id, labels: target.labels, schema })).not.toThrow();
  });
});

describe("any schedule", () => {
  it("scrapes each target once per interval, whatever its offset and start", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(14_999), fc.nat(60)), { minLength: 1, maxLength: 6 }), (entries) => {
        const { scraper, store, schema } = scraped();
        const targets = entries.map(([offset, from], i) => {
          const target = store.addTarget({ id: `t${i}`, labels: {}, schema });
          scraper.register(target, offset * 1000, s(from));
          return target;
        });
        const all = run(scraper, s(200));
        expect(all).toEqual([...all].sort((a, b) => a - b));
        targets.forEach((target, i) => {
          const [offset, from] = entries[i];
          const times = timesOf(target);
          expect(times[0]).toBeGreaterThanOrEqual(s(from));
          expect(times[0] - s(from)).toBeLessThan(s(15));
          times.forEach((time, k) => expect(time).toBe(times[0] + k * s(15)));
          expect((times[0] - offset * 1000) % s(15)).toBe(0);
        });
      }),
      { numRuns: 30 },
    );
  });
});
