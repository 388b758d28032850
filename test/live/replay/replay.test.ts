// A game day's record goes back through the engines: the same decisions word by word, or another strategy's up to its parting.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { replayCommand } from "../../../src/cli/commands/replay.js";
import { UsageError } from "../../../src/cli/exit.js";
import type { Terminal } from "../../../src/cli/terminal.js";
import type { Decision } from "../../../src/engines/decision.js";
import { seconds } from "../../../src/kernel/units.js";
import { readHistory } from "../../../src/live/replay/history.js";
import { replayOther } from "../../../src/live/replay/replay-other.js";
import { replaySame } from "../../../src/live/replay/replay-same.js";
import { RecordError } from "../../../src/live/telemetry/replay.js";
import type { CanaryStrategy } from "../../../src/delivery/strategy.js";
import type { Scenario } from "../../../src/scenario/compiled.js";
import { shopScenario, shopText } from "../../lab/predict/shop.js";
import { recordedRun } from "./recorded-run.js";

const scenario = shopScenario({ errors: "+40%" });

const withStrategy = (change: Partial<CanaryStrategy>): Scenario => ({ ...scenario, strategy: { ...scenario.strategy, ...change } });

describe("the record of a game day", () => {
  let folder: string;
  let path: string;
  let decisions: readonly Decision[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "shakedown-replay-"));
    ({ path, decisions } = await recordedRun(scenario, folder));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The record with some of its lines changed. */
  function changed(name: string, change: (line: string) => string): string {
    const other = join(folder, name);
    writeFileSync(other, readFileSync(path, "utf8").split("\n").map((line) => (line === "" ? "" : change(line))).join("\n"));
    return other;
  }

  it("replays to the same decisions: rule, actions, reason and every value of every check", async () => {
    const replay = await replaySame(path, scenario);
    expect(replay.differences).toEqual([]);
    expect(replay.decisions.length).toBeGreaterThan(0);
    expect(JSON.parse(JSON.stringify(replay.decisions))).toEqual(JSON.parse(JSON.stringify(decisions)));
    expect(replay.decisions[0]).toMatchObject({ rule: "trigger", actions: ["roll-back"] });
    expect(replay.answers.computed).toBeGreaterThan(20);
    expect(replay.answers.equal).toBe(replay.answers.computed);
  });

  it("notices when the scrapes are not what the engines were told", async () => {
    const other = changed("scrapes.ndjson", (line) => {
      const data = JSON.parse(line) as { kind: string; values?: (number | null)[] };
      return data.kind === "row" && data.values !== undefined ? JSON.stringify({ ...data, values: data.values.map((value) => (value === null ? null : value * 2)) }) : line;
    });
    const { answers } = await replaySame(other, scenario);
    expect(answers.equal).toBeLessThan(answers.computed);
  });

  it("notices when it decided something else", async () => {
    const other = changed("decisions.ndjson", (line) => line.replace(/("type":"decided".*?"reason":")/, "$1Not "));
    expect((await replaySame(other, scenario)).differences.join("\n")).toMatch(/^decision 1: reason differ: "Not /);
  });

  it("does the same under a strategy whose checks differ where nothing happened", async () => {
    const replay = await replayOther(path, withStrategy({ name: "other" }));
    expect(replay.parting).toBeNull();
    expect(replay.decisions.map(({ rule, actions }) => ({ rule, actions }))).toEqual(decisions.map(({ rule, actions }) => ({ rule, actions })));
  });

  it("shows a more patient strategy to wait where the game day acted, and says that the record ends there", async () => {
    const { triggers } = scenario.strategy;
    const patient = withStrategy({ triggers: triggers.map((check) => ({ ...check, persistence: { need: 12, of: 12 } })), gates: [] });
    const replay = await replayOther(path, patient);
    expect(replay.decisions).toEqual([]);
    expect(replay.parting!.text).toMatch(/^the game day did this and the strategy does not: roll shop back/);
    expect(Math.abs(replay.parting!.at - decisions[0].at)).toBeLessThan(seconds(1));
  });

  it("shows a more sensitive strategy to act sooner, and no decision after that", async () => {
    const { triggers } = scenario.strategy;
    const sensitive = withStrategy({ triggers: triggers.map((check) => ({ ...check, persistence: { need: 1, of: 1 } })) });
    const replay = await replayOther(path, sensitive);
    expect(replay.decisions).toHaveLength(1);
    expect(replay.decisions[0].at).toBeLessThan(decisions[0].at);
    expect(replay.parting!.text).toMatch(/^it does this at/);
    expect(replay.parting!.at).toBeLessThanOrEqual(decisions[0].at);
  });

  it("answers a strategy that looks back farther than the game day's did", async () => {
    const short = changed("short-memory.ndjson", (line) => line.replace(/("kind":"header".*)"lookback":\d+,"retention":\d+/, `$1"lookback":${seconds(5)},"retention":${seconds(10)}`));
    expect((await readHistory(short)).header.retention).toBe(seconds(10));
    expect((await replayOther(short, withStrategy({ window: seconds(40) }))).history.isWhole).toBe(true);
  });

  /** What the command says of a file that holds this; the scenario is on disk beside it. */
  async function said(name: string, text: string): Promise<{ readonly code: number; readonly printed: string; readonly warned: string }> {
    const file = join(folder, "shop.yaml");
    writeFileSync(file, shopText({ errors: "+40%" }));
    writeFileSync(join(folder, name), text.replaceAll(JSON.stringify(scenario.file), JSON.stringify(file)));
    const [printed, warned]: [string[], string[]] = [[], []];
    const terminal: Terminal = { color: false, width: 100, live: false, print: (line) => printed.push(line), warn: (line) => warned.push(line), status: () => undefined };
    const code = await replayCommand(join(folder, name), { allowPath: [] }, terminal);
    return { code, printed: printed.join("\n"), warned: warned.join("\n") };
  }

  it("that was cut short, be it within a line, is never just the same: it says where it ends, and that its end is missing", async () => {
    const whole = readFileSync(path, "utf8");
    expect((await said("whole.ndjson", whole)).printed).toMatch(/✓ the same 1 decision/);
    const acted = whole.lastIndexOf("\n", whole.indexOf('"kind":"roll-back"')) + 1;
    // Right before what was decided was written, within the line before, and far sooner.
    for (const end of [acted, acted - 15, Math.floor(acted / 2)]) {
      const { code, printed, warned } = await said("short.ndjson", whole.slice(0, end));
      expect(warned).toMatch(/this record ends at [0-9.]+s of .*, without its end/);
      expect(printed).toMatch(/✓ up to [0-9.]+s, where the record breaks off, the same 0 decisions/);
      expect(code).toBe(0);
    }
  });

  it("says in one line what is wrong with a record that can't be used", async () => {
    const terminal: Terminal = { color: false, width: 100, live: false, print: () => undefined, warn: () => undefined, status: () => undefined };
    const flags = { allowPath: [] };
    await expect(replayCommand(join(folder, "nowhere"), flags, terminal)).rejects.toThrow(/there is no such record/);
    const noRecord = join(folder, "text.ndjson");
    writeFileSync(noRecord, "hello\n");
    await expect(replayCommand(noRecord, flags, terminal)).rejects.toThrow(UsageError);
    await expect(replayCommand(noRecord, flags, terminal)).rejects.toThrow(/line 1 is no JSON/);
    await expect(replayCommand(path, flags, terminal)).rejects.toThrow(/the record is of .*shop\.yaml, which is not here/);
    const calibration = changed("calibration.ndjson", (line) => line.replace('"speed":1,', '"speed":1,"calibration":true,'));
    await expect(replayCommand(calibration, flags, terminal)).rejects.toThrow(/the record is of a calibration, .*: it can't be replayed/);
    await expect(replaySame(changed("cut.ndjson", (line) => (line.includes('"kind":"header"') ? "" : line)), scenario)).rejects.toThrow(RecordError);
  });
});
