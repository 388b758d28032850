// Metrics pages: what is written is read back, what is no page is refused with its line, and nothing else ever happens.

import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { findOnPath } from "../../../src/live/safety/children.js";
import { ExpositionError, PAGE_LIMITS, parseExposition, parseSampleValue, type PageSample } from "../../../src/live/telemetry/exposition.js";
import { PageColumns, renderPage, selectorText } from "../../../src/live/telemetry/page.js";
import { serviceSchema, UP_COLUMN } from "../../../src/telemetry/schema.js";
import { SeriesStore } from "../../../src/telemetry/store.js";

function read(page: string): PageSample[] {
  const samples: PageSample[] = [];
  parseExposition(page, (sample) => samples.push(sample));
  return samples;
}

const LABELS = { service: "shop", version: "v1", replica: 'r"1\\\n' };
const schemaWith = (init: "lazy" | "zero") => serviceSchema({ service: "shop", version: "v1", endpoints: ["buy", "look"], edgesSeconds: [0.005, 0.1, 1, 2.5], init });

describe("a metrics page", () => {
  it("is read as Prometheus' text format puts it, blanks and comments included", () => {
    const page = '# HELP a b\\n c\n# TYPE a counter\n#anything\n\n \t\na{x="1",y = "q\\"\\\\\\n" ,} 1e3\n  b\t+Inf \nc:d_1{} -0.5\nn NaN\n';
    expect(read(page).map(({ name, labels, value }) => [name, Object.fromEntries(labels), value])).toEqual([
      ["a", { x: "1", y: 'q"\\\n' }, 1000], ["b", {}, Infinity], ["c:d_1", {}, -0.5], ["n", {}, NaN],
    ]);
  });

  it.each([
    ["a 1", "the page ends within a line"],
    ["1a 1\n", "a metric's name"],
    ["a\n", "is no number"],
    ["a one\n", "is no number"],
    ["a 0x10\n", "is no number"],
    ["a 1 1700000000000\n", "a time of its own"],
    ['a{b="1} 1\n', "without its closing quote"],
    ['a{b="\\x"} 1\n', "is no escape"],
    ['a{b="1",b="2"} 1\n', "label b twice"],
    ['a{b=1} 1\n', '" is missing'],
    ['a{b="1" c="2"} 1\n', ", is missing"],
    ['a{1b="1"} 1\n', "a label's name"],
    ["# TYPE a novelty\na 1\n", "unknown type"],
    ["<html>\n", "a metric's name"],
  ])("%j is refused, with what is wrong: %s", (page, what) => {
    expect(() => read(page)).toThrow(ExpositionError);
    expect(() => read(page)).toThrow(what);
  });

  it("has limits", () => {
    expect(() => read(`a{b="${"x".repeat(PAGE_LIMITS.labelValueLength + 1)}"} 1\n`)).toThrow("characters");
    expect(() => read(`${"a".repeat(PAGE_LIMITS.nameLength + 1)} 1\n`)).toThrow("characters");
    expect(() => read(`a{${Array.from({ length: PAGE_LIMITS.labels + 1 }, (_, i) => `l${i}="1"`).join(",")}} 1\n`)).toThrow("labels");
    expect(() => read("a 1\n".repeat(PAGE_LIMITS.samples + 1))).toThrow("samples");
    expect(() => read(`${"#".repeat(PAGE_LIMITS.bytes)}\n`)).toThrow("longer");
  });

  it("whatever it is, is read or refused", () => {
    const noise = fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), fc.string({ unit: fc.constantFrom("a", "{", "}", '"', "\\", "=", ",", " ", "\n", "1", ".", "e", "#", "T", "Y", "P", "E", "N"), maxLength: 60 }));
    fc.assert(
      fc.property(noise, (page) => {
        try {
          read(page);
        } catch (failure) {
          expect(failure).toBeInstanceOf(ExpositionError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("cut or changed anywhere is refused, or still has well-formed samples", () => {
    const whole = `# TYPE a counter\na{x="1",y="q\\"\\\\\\n"} 1e3\nb +Inf\n`;
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(3), fc.string({ maxLength: 3 }), (at, cut, put) => {
        try {
          for (const { name, value } of read(whole.slice(0, at) + put + whole.slice(at + cut))) {
            expect(name).toMatch(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
            expect(typeof value).toBe("number");
          }
        } catch (failure) {
          expect(failure).toBeInstanceOf(ExpositionError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("gives any label value and any number back as they were", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 100 }), fc.double(), (text, value) => {
        const [sample] = read(`a${selectorText([["x", text]])} ${Number.isFinite(value) ? value : "NaN"}\n`);
        expect(sample.labels.get("x")).toBe(text);
        // JavaScript writes minus zero without its sign.
        expect(sample.value).toBe(Number.isFinite(value) ? value + 0 : NaN);
      }),
    );
  });

  it.each([["Inf", Infinity], ["-inf", -Infinity], ["nAn", NaN], ["1_000", undefined], ["", undefined], ["1.", 1], [".5", 0.5], ["1e", undefined]])("%j is the number %s", (text, value) => {
    expect(parseSampleValue(text)).toBe(value);
  });
});

describe("a target's page", () => {
  it.each(["lazy", "zero"] as const)("carries %s live values into the row that the simulator's scrape of them would make", (init) => {
    const schema = schemaWith(init);
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant(0), fc.nat(1000), fc.double({ min: 0, max: 1e6, noNaN: true })), { minLength: schema.size, maxLength: schema.size }), (values) => {
        // A histogram without an observation has no sum.
        for (const { firstBucket, lastBucket, sum } of schema.histograms) if (values.slice(firstBucket, lastBucket + 1).every((count) => count === 0)) values[sum] = 0;
        const target = new SeriesStore({ lanes: 1, scrape: 1_000_000 }).addTarget({ id: "t", labels: LABELS, schema });
        target.live[0].set(values);
        target.record(1_000_000, 1_000_000);
        const row = new Float64Array(schema.size);
        new PageColumns(schema, target.seriesLabels).read(renderPage(schema, target.seriesLabels, target.live[0]), row, 0);
        expect([...row]).toEqual([...target.values.subarray(0, schema.size)]);
      }),
      { numRuns: 50 },
    );
  });

  it("may come from prom-client; what the catalogue does not know, or is another replica's, is left alone", async () => {
    const registry = new Registry();
    const labelNames = ["service", "version", "endpoint", "code"];
    const own = { service: "shop", version: "v1", endpoint: "buy" };
    const requests = new Counter({ name: "http_requests_total", help: "h", labelNames, registers: [registry] });
    requests.inc({ ...own, code: "2xx" }, 7);
    requests.inc({ ...own, version: "v2", code: "2xx" }, 100);
    requests.inc({ ...own, code: "418" }, 100);
    new Gauge({ name: "memory_usage_ratio", help: "h", registers: [registry] }).set(0.25);
    new Gauge({ name: "up", help: "h", registers: [registry] }).set(0);
    new Gauge({ name: "nodejs_heap_size_total_bytes", help: "h", registers: [registry] }).set(1);
    const histogram = new Histogram({ name: "http_request_duration_seconds", help: "h", labelNames: ["endpoint"], buckets: [0.005, 0.1, 1, 2.5], registers: [registry] });
    for (const observed of [0.001, 0.1, 0.5, 60]) histogram.observe({ endpoint: "buy" }, observed);
    const schema = schemaWith("lazy");
    const row = new Float64Array(schema.size);
    new PageColumns(schema, { service: "shop", version: "v1", replica: "r" }).read(await registry.metrics(), row, 0);
    expect(row[UP_COLUMN]).toBe(1);
    expect(row[schema.requestsIndex(0, 0)]).toBe(7);
    expect(row[schema.requestsIndex(0, 1)]).toBeNaN();
    expect(row[schema.memoryIndex]).toBe(0.25);
    expect([...row.subarray(schema.bucketIndex(0, 0), schema.sumIndex(0) + 1)]).toEqual([1, 2, 3, 3, 4, 0.001 + 0.1 + 0.5 + 60]);
  });

  const missing = findOnPath("promtool") === null;
  it.skipIf(missing)(missing ? "no promtool on PATH: pages are not checked by it" : "is well-formed to promtool", () => {
    const schema = schemaWith("zero");
    const said = (() => {
      try {
        return execFileSync("promtool", ["check", "metrics"], { input: renderPage(schema, LABELS, new Float64Array(schema.size)), encoding: "utf8" });
      } catch (failure) {
        return failure instanceof Error && "stderr" in failure ? String(failure.stderr) : "";
      }
    })();
    // Its only complaint is of style: no help texts.
    expect(said.split("\n").filter((line) => line !== "" && !line.includes("no help text"))).toEqual([]);
  });
});
