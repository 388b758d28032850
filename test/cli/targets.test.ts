// Which files of a folder or glob are scenarios: by what they say, however YAML lets them say it.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { saysScenario, scenarioFiles } from "../../src/cli/targets.js";

const base = mkdtempSync(join(tmpdir(), "shakedown-targets-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let folders = 0;
function folderOf(files: Readonly<Record<string, string>>): string {
  folders += 1;
  const folder = join(base, String(folders));
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const names = (target: string): readonly string[] => scenarioFiles([target]).map((file) => basename(file));

describe("a file is a scenario", () => {
  it.each([
    ["plainly", "shakedown: 1\nkind: scenario\nname: a\n"],
    ["with a comment and Windows line ends", "# ours\r\nshakedown: 1\r\nkind: scenario # yes\r\n"],
    ["with keys in quotes", "\"shakedown\": 1\n'kind': scenario\n"],
    ["with a kind in quotes", "shakedown: 1\nkind: \"scenario\"\n"],
    ["in JSON form", '{"shakedown": 1, "kind": "scenario", "name": "a"}'],
    ["in JSON form of many lines", '{\n "shakedown": 1,\n "kind": "scenario"\n}\n'],
    ["in braces without quotes", "{ kind: scenario, shakedown: 1 }"],
    ["when it does not say of which kind", "shakedown: 1\nname: a\n"],
    ["of a kind that is misspelt", "shakedown: 1\nkind: scenrio\n"],
    ["with broken YAML", "shakedown: 1\nkind: scenario\nname: [a\n"],
    ["with broken YAML and keys in quotes", '"shakedown": 1\n"kind": scenario\nname: [a\n'],
    ["with broken JSON", '{"shakedown": 1, "kind": "scenario", "name": '],
  ])("%s", (_, text) => {
    expect(saysScenario(text)).toBe(true);
  });
});

describe("a file is passed over", () => {
  it.each([
    ["as a world", "shakedown: 1\nkind: world\n"],
    ["as a world with a kind in quotes", 'shakedown: 1\nkind: "world"\n'],
    ["as a world with keys in quotes", '"shakedown": 1\n"kind": world\n'],
    ["as a strategy in JSON form", '{"shakedown": 1, "kind": "strategy"}'],
    ["as a broken world with a kind in quotes", 'shakedown: 1\nkind: "world"\nname: [a\n'],
    ["as a manifest", "apiVersion: v1\nkind: Service\n"],
    ["as a manifest in JSON form", '{"kind": "Service", "apiVersion": "v1"}'],
    ["as other people's YAML", "services:\n  web:\n    kind: world\n"],
    ["as other people's YAML that speaks of us", "run: npx shakedown test scenarios\n"],
    ["as other people's broken YAML", "steps:\n  - kind: {{ x }\n  - [\n"],
    ["as a list", "- kind: scenario\n"],
    ["as an empty file", ""],
  ])("%s", (_, text) => {
    expect(saysScenario(text)).toBe(false);
  });
});

describe("a folder and a glob", () => {
  it("give every scenario, written as it may be, and neither worlds nor strategies", () => {
    const folder = folderOf({
      "a.yaml": "shakedown: 1\nkind: scenario\n",
      "b.yaml": '{"shakedown": 1, "kind": "scenario"}',
      "c.yml": "'shakedown': 1\n\"kind\": scenario\n",
      "w.yaml": 'shakedown: 1\nkind: "world"\n',
      "x.yaml": "other: 1\n",
    });
    expect(names(folder)).toEqual(["a.yaml", "b.yaml", "c.yml"]);
    expect(names(join(folder, "*.yaml"))).toEqual(["a.yaml", "b.yaml"]);
  });

  it("find a kind that stands far down in a long file", () => {
    expect(names(folderOf({ "long.yaml": `${"# a comment\n".repeat(8_000)}shakedown: 1\nkind: scenario\n` }))).toEqual(["long.yaml"]);
  });

  it("without a scenario are refused by name", () => {
    const folder = folderOf({ "w.yaml": '"kind": "world"\n' });
    expect(() => names(folder)).toThrow(`${folder}: no scenario in this folder (a YAML file that says kind: scenario)`);
    expect(() => names(join(folder, "*.yaml"))).toThrow("no scenario matches");
  });

  it("are not looked into for a file that is named itself: the loader says what is wrong with it", () => {
    const folder = folderOf({ "w.yaml": "shakedown: 1\nkind: world\n" });
    expect(names(join(folder, "w.yaml"))).toEqual(["w.yaml"]);
  });
});
