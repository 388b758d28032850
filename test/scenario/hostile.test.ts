// Whatever a file holds, loading ends with a scenario or with problems, never with an exception.

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { loadScenario } from "../../src/scenario/load.js";
import { CANARY, memoryFiles, PROJECT, SHOP, SLOW_CHECKOUT, TRACE } from "./fixtures.js";

/** Loads the project with one text replaced; gives back whether every problem has a place and advice worth reading. */
function endsWell(changes: Readonly<Record<string, string>>): boolean {
  const result = loadScenario("/p/basics/slow.yaml", memoryFiles({ ...PROJECT, ...changes }));
  if (result.ok) return true;
  return result.problems.length > 0 && result.problems.every(({ file, line, column, message }) =>
    file !== "" && Number.isInteger(line) && line >= 1 && Number.isInteger(column) && column >= 1 && message !== "" && !/undefined|\[object|NaN/.test(message.replace(/`[^`]*`/g, "")));
}

const TEXTS: Readonly<Record<string, string>> = { "/p/basics/slow.yaml": SLOW_CHECKOUT, "/p/worlds/shop.yaml": SHOP, "/p/strategies/canary.yaml": CANARY, "/p/traces/elb.csv": TRACE };
const anyFile = fc.constantFrom(...Object.keys(TEXTS));
const ODD = ["", "null", "~", "-1", "1e999", ".nan", "true", "[]", "{}", "[[]]", "{a: 1}", "''", "\"%\"", "__proto__", "constructor", "*x", "&x 1", "!t 1", "2014-04-14 09:00", "99999999999h", "\u0000", "\ufffd", "é", "a: b: c", "- x", "#", "|", ">-"];

describe("hostile files", () => {
  it("of random text end in problems", () => {
    fc.assert(fc.property(anyFile, fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: "binary", maxLength: 80 })), (file, text) => endsWell({ [file]: text })), { numRuns: 40 });
  });

  it("of random data under the right keys end in problems", () => {
    const keys = fc.constantFrom("shakedown", "kind", "for", "world", "strategy", "script", "services", "traffic", "steps", "gates", "expect", "endpoints", "release", "fault", "at", "toString", "valueOf");
    const data = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 4 }, fc.constantFrom(1, "15m", "5%", null, true, "checkout", "v2", -3, 1e300), fc.array(tie("node"), { maxLength: 3 }), fc.dictionary(keys, tie("node"), { maxKeys: 4 })),
    })).node;
    fc.assert(fc.property(anyFile, data, (file, node) => endsWell({ [file]: JSON.stringify(node) })), { numRuns: 40 });
  });

  it("with one value replaced by something odd end in problems or a scenario", () => {
    fc.assert(fc.property(anyFile, fc.nat(), fc.constantFrom(...ODD), (file, where, odd) => {
      const text = TEXTS[file];
      const values = [...text.matchAll(/(?<=: )[^,{}[\]\n]+/g), ...text.matchAll(/\b[\w-]+(?=:)/g)];
      if (values.length === 0) return endsWell({ [file]: odd });
      const value = values[where % values.length];
      return endsWell({ [file]: text.slice(0, value.index) + odd + text.slice(value.index + value[0].length) });
    }), { numRuns: 150, examples: [["/p/basics/slow.yaml", 30, "{a: 1}"]] });
  });

  it("cut anywhere end in problems or a scenario", () => {
    fc.assert(fc.property(anyFile, fc.nat(), (file, length) => endsWell({ [file]: TEXTS[file].slice(0, length % TEXTS[file].length) })), { numRuns: 50 });
  });

  it("leave the prototypes of the language alone", () => {
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});
