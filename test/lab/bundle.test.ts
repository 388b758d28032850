// A bundle is the scenario as text: nothing lost, nothing read from elsewhere, one hash.

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nodeFiles } from "../../src/cli/files.js";
import { bundleOf, collectBundle, scenarioOf, textIn, withText } from "../../src/lab/bundle.js";
import { loadScenario } from "../../src/scenario/load.js";
import { ROOT, shipped } from "./support/bundles.js";

describe("a bundle", () => {
  it("holds the scenario and each file that it refers to, the trace of its world included", () => {
    const names = shipped("false-alarms/breaking-news").files.map(({ path }) => path.slice(join(ROOT, "scenarios/").length));
    expect(names[0]).toBe("false-alarms/breaking-news.yaml");
    expect(names.slice(1).sort()).toEqual(["strategies/canary.yaml", "traces/mentions.csv", "worlds/newsroom.yaml"]);
  });

  it("gives the scenario that the files give, also after a journey as JSON", () => {
    const bundle = shipped("false-alarms/breaking-news");
    const there = JSON.parse(JSON.stringify(bundle)) as typeof bundle;
    expect(scenarioOf(there)).toEqual(loadScenario(bundle.entry, nodeFiles()));
  });

  it("has a hash of its texts and paths, whatever the order of the files", () => {
    const bundle = shipped("basics/error-spike");
    expect(bundleOf(bundle.entry, bundle.files.slice().reverse()).hash).toBe(bundle.hash);
    const strategy = bundle.files[bundle.files.length - 1];
    expect(withText(bundle, strategy.path, `${strategy.text} `).hash).not.toBe(bundle.hash);
    expect(bundleOf("elsewhere.yaml", [{ path: "elsewhere.yaml", text: textIn(bundle, bundle.entry) ?? "" }]).hash).not.toBe(bundle.hash);
  });

  it("reads nothing that is not in it, and says what is", () => {
    const bundle = shipped("basics/error-spike");
    const text = (textIn(bundle, bundle.entry) ?? "").replace("../worlds/small-shop.yaml", "/etc/passwd");
    const loaded = scenarioOf(withText(bundle, bundle.entry, text));
    expect(loaded.ok).toBe(false);
    if (loaded.ok) return;
    expect(loaded.problems[0].message).toBe("the bundle holds no file /etc/passwd");
    expect(loaded.problems[0].line).toBe(8);
  });

  it("is not made of a scenario with problems", () => {
    const collected = collectBundle(join(ROOT, "scenarios/basics/no-such.yaml"), nodeFiles());
    expect(collected.ok).toBe(false);
  });
});
