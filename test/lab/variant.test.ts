// A variant changes one field in the file where it lives, and is checked like a file that a user wrote.

import { describe, expect, it } from "vitest";
import { bundleOf, scenarioOf, textIn, type Bundle } from "../../src/lab/bundle.js";
import { fieldOf, placeOf, setInText, variantOf, withStrategy } from "../../src/lab/variant.js";
import type { Scenario } from "../../src/scenario/compiled.js";
import { shipped } from "./support/bundles.js";
import { tinyText } from "./support/tiny.js";

const bundle = shipped("basics/error-spike");

function changed(path: string, value: string | number, of: Bundle = bundle): Bundle {
  const variant = variantOf(of, [{ path, value }]);
  if (!variant.ok) throw new Error(variant.problems.map(({ message, path: at }) => `${at}: ${message}`).join("\n"));
  return variant.value;
}

function loaded(of: Bundle): Scenario {
  const scenario = scenarioOf(of);
  if (!scenario.ok) throw new Error(scenario.problems[0].message);
  return scenario.value;
}

/** The first problem of a change that is refused. */
function problem(path: string, value: string | number): { message: string; instead: string | null; path: string } {
  const variant = variantOf(bundle, [{ path, value }]);
  if (variant.ok) throw new Error("it was taken");
  return variant.problems[0];
}

const fileOf = (path: string): string | null => {
  const place = placeOf(bundle, path);
  return place.ok ? place.value.file.replace(/.*\//, "") : null;
};

describe("a field's path", () => {
  it("is looked for in the strategy first, then the scenario, then the world", () => {
    expect(fileOf("triggers.error-rate.above")).toBe("canary.yaml");
    expect(fileOf("script.0.release.defects.0.errors")).toBe("error-spike.yaml");
    expect(fileOf("objectives.p95")).toBe("error-spike.yaml");
    expect(fileOf("services.checkout.replicas")).toBe("small-shop.yaml");
    expect(fileOf("world.services.checkout.replicas")).toBe("small-shop.yaml");
    expect(fileOf("scenario.name")).toBe("error-spike.yaml");
    expect(fileOf("action-timeout")).toBe("canary.yaml");
  });

  it("that leads nowhere is answered with the nearest name", () => {
    expect(problem("triggrs.error-rate.above", "1%")).toMatchObject({ message: "neither strategy, scenario nor world has a field `triggrs`", instead: "write triggers.error-rate.above" });
    expect(problem("triggers..above", "1%").message).toContain("is no path");
    expect(problem("steps.9.weight", "1%").message).toBe("`steps` has 3 items, and none at 9");
    expect(problem("every.second", "1%").message).toBe("`every` is `30s`, and has no fields");
  });
});

describe("a variant", () => {
  it("has the new value and leaves every other character of the file as it was", () => {
    const variant = changed("triggers.error-rate.above", "2.5%");
    const before = bundle.files.map(({ text }) => text).join("");
    expect(variant.files.map(({ text }) => text).join("")).toBe(before.replace("error-rate: { above: 1%", "error-rate: { above: 2.5%"));
    expect(loaded(variant).strategy.triggers[0].compare).toMatchObject({ kind: "above", value: 0.025 });
    expect(variant.hash).not.toBe(bundle.hash);
  });

  it("changes steps, worlds and defects", () => {
    expect(loaded(changed("steps.0.weight", "10%")).strategy.steps[0].weight).toBe(0.1);
    expect(loaded(changed("world.services.checkout.replicas", 9)).world.services.find(({ name }) => name === "checkout")?.replicas).toBe(9);
    expect(fieldOf(changed("script.0.release.defects.0.errors", "+2%"), "script.0.release.defects.0.errors")).toBe("+2%");
  });

  it("writes a field that was left out, and keeps the defaults beside it", () => {
    const bare = variantOf(bundle, []);
    expect(bare.ok).toBe(true);
    const without = withStrategy(bundle, { path: "bare.yaml", text: "shakedown: 1\nkind: strategy\nname: bare\n" });
    if (!without.ok) throw new Error(without.problems[0].message);
    const before = loaded(without.value).strategy;
    const after = loaded(changed("gates.p95.below", "800ms", without.value)).strategy;
    expect(after.gates.map(({ metric }) => metric)).toEqual(before.gates.map(({ metric }) => metric));
    expect(after.gates.find(({ metric }) => metric === "p95")?.compare).toMatchObject({ value: 0.8 });
    expect(loaded(changed("steps.1.bake", "20m", without.value)).strategy.steps).toHaveLength(3);
  });

  it("reads a single comparison with or without a list around it", () => {
    expect(changed("triggers.error-rate.0.above", "2%").hash).toBe(changed("triggers.error-rate.above", "2%").hash);
    const listed = changed("triggers.error-rate", "[{ above: 1% }, { above: 5%, window: 30s }]");
    expect(changed("triggers.error-rate.1.above", "6%", listed).hash).not.toBe(listed.hash);
    const unclear = variantOf(listed, [{ path: "triggers.error-rate.above", value: "6%" }]);
    expect(unclear.ok ? "" : unclear.problems[0].message).toContain("is a list of 2: say which, as in triggers.error-rate.0.above");
  });

  it("of one release leaves another with what they shared by an alias", () => {
    const shared = tinyText({ extra: "" }).replace("defects: [{", "defects: &bad [{").replace("expect:", "  - { at: 8m, release: { service: api, version: v3, defects: *bad } }\nexpect:");
    const both = bundleOf("tiny.yaml", [{ path: "tiny.yaml", text: shared }]);
    const defects = [{ with: "version", on: "api", errors: "+20%" }];
    expect(fieldOf(both, "scenario.script.1.release")).toEqual({ service: "api", version: "v3", defects });
    const healthy = changed("scenario.script.0.release.defects", "[]", both);
    expect([0, 1].map((item) => fieldOf(healthy, `scenario.script.${item}.release.defects`))).toEqual([[], defects]);
  });

  it("may be of a fault whose fields were all left out", () => {
    const bare = bundleOf("tiny.yaml", [{ path: "tiny.yaml", text: tinyText().replace("expect:", "  - { at: 8m, fault: { telemetry-gap: } }\nexpect:") }]);
    expect(fieldOf(changed("scenario.script.1.fault.telemetry-gap.for", "90s", bare), "scenario.script.1.fault.telemetry-gap.for")).toBe("90s");
  });

  it("is checked by the loader, which names file, line and field", () => {
    expect(problem("triggers.error-rate.above", "fast")).toMatchObject({ path: "triggers.error-rate.above", line: 15 });
    expect(problem("steps.0.weight", 5).message).toContain("has no unit");
    expect(problem("world.services.checkout.replicas", 0).message).toContain("below 1");
    expect(problem("triggers.error-rat.above", "1%").message).toContain("error-rat");
  });
});

describe("another strategy", () => {
  it("takes the place of the scenario's own, in a file or inline", () => {
    const quick = { path: "elsewhere/quick.yaml", text: "shakedown: 1\nkind: strategy\nname: quick\nsteps: [{ weight: 100%, bake: 5m }]\n" };
    const once = withStrategy(bundle, quick);
    if (!once.ok) throw new Error(once.problems[0].message);
    expect(loaded(once.value).strategy.name).toBe("quick");
    expect(once.value.files.some(({ path }) => path.endsWith("/canary.yaml"))).toBe(false);
    expect(textIn(once.value, bundle.entry)?.split("\n")).toHaveLength((textIn(bundle, bundle.entry) ?? "").split("\n").length);
    const inline = changed("scenario.strategy", "{ steps: [{ weight: 100%, bake: 9m }] }");
    const twice = withStrategy(inline, quick);
    expect(twice.ok && loaded(twice.value).strategy.name).toBe("quick");
  });

  it("that is wrong is refused with its own file's name", () => {
    const refused = withStrategy(bundle, { path: "quick.yaml", text: "shakedown: 1\nkind: strategy\nstps: []\n" });
    expect(refused.ok ? "" : refused.problems[0].file).toContain("quick.yaml");
  });
});

describe("changing text", () => {
  it("quotes what must be quoted, keeps comments, and writes what is missing on the way", () => {
    expect(setInText("a: { b: 1 } # why\nc: 2\n", ["a", "b"], "x, y")).toBe('a: { b: "x, y" } # why\nc: 2\n');
    expect(setInText("a: 'old'\n", ["a"], "true")).toBe('a: "true"\n');
    expect(setInText("a: 1\n", ["b", "c"], 2)).toBe("a: 1\nb:\n  c: 2\n");
  });

  it("fills what was written empty", () => {
    expect(setInText("a:\n  b:\n  c: 1\n", ["a", "b", "d"], 2)).toBe("a:\n  b:\n    d: 2\n  c: 1\n");
    expect(setInText("a: { b: }\n", ["a", "b", "d"], 2)).toBe("a: { b: { d: 2 } }\n");
    expect(setInText("a: { b }\n", ["a", "b", 0], 2)).toBe("a: { b: [ 2 ] }\n");
    expect(setInText("a:\nb: 1\n", ["a"], 2)).toBe("a: 2\nb: 1\n");
    expect(setInText("a: { b:, c }\n", ["a", "b"], 2)).toBe("a: { b: 2, c }\n");
  });

  it("leaves to an alias what it stood for, when its anchor goes", () => {
    expect(setInText("a: &x { n: 1 }\nb: *x\nc: *x\n", ["a"], [2])).toBe("a:\n  - 2\nb: &x { n: 1 }\nc: *x\n");
    expect(setInText("a: [&x { n: &y 1 }]\nb: [*x, *y]\n", ["a"], [])).toBe("a: []\nb: [ &x { n: &y 1 }, *y ]\n");
    expect(setInText("a: { n: &x 1m }\nb: *x\n", ["a", "n"], "5m")).toBe("a: { n: 5m }\nb: &x 1m\n");
    // The name is used again: the first one's alias must not fall to the second.
    expect(setInText("z: &x 0\na: &x { n: 1 }\nb: *x\n", ["a"], [2])).toBe("z: &x 0\na:\n  - 2\nb: &x { n: 1 }\n");
  });
});
