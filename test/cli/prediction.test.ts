// `gameday --predict` and `calibrate` say in one line what is wrong with what they were given, before anything is started.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { calibrateCommand, type CalibrateFlags } from "../../src/cli/commands/calibrate.js";
import { gameDayCommand, type GameDayFlags } from "../../src/cli/commands/gameday.js";
import type { Terminal } from "../../src/cli/terminal.js";

const printed: string[] = [];
const terminal: Terminal = { color: false, width: 100, live: false, print: (text) => printed.push(text), warn: (text) => printed.push(text), status: () => undefined };
const SCENARIO = "scenarios/game-days/error-spike.yaml";

describe("bad input", () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "shakedown-predict-"))));
  afterAll(() => rmSync(folder, { recursive: true }));

  const gameDay = (flags: Partial<GameDayFlags>) => gameDayCommand(SCENARIO, { target: "local", out: folder, allowPath: [], dryRun: true, ...flags }, terminal);
  const calibrate = (target: string, flags: Partial<CalibrateFlags> = {}) =>
    calibrateCommand(target, { target: "local", out: join(folder, "out.yaml"), for: "60s", seed: "1", gameDays: folder, dryRun: true, allowPath: [], ...flags }, terminal);

  it("refuses a calibrated world without --predict, and one that is not there", async () => {
    await expect(gameDay({ calibrated: "world.yaml" })).rejects.toThrow("--calibrated goes with --predict");
    await expect(gameDay({ predict: true, calibrated: join(folder, "none.yaml") })).rejects.toThrow(/can't be read .*`shakedown calibrate` writes one/);
  });

  it("refuses a world that the scenario does not fit, and says where", async () => {
    const other = join(folder, "other.yaml");
    writeFileSync(other, "shakedown: 1\nkind: world\nservices: { till: { endpoints: { pay: { p50: 10ms, p95: 20ms } } } }\ntraffic: { enters: till, rate: 5rps }\n");
    await expect(gameDay({ predict: true, calibrated: other })).rejects.toThrow(/can't be simulated on .*other\.yaml/);
  });

  it("takes a world that nobody calibrated, and says what is not known", async () => {
    printed.length = 0;
    expect(await gameDay({ predict: true, calibrated: "scenarios/worlds/kiosk.yaml" })).toBe(0);
    expect(printed.join("\n")).toContain("kiosk.yaml was not written by `shakedown calibrate`");
  });

  it("refuses to calibrate what holds no world, or for too short a time", async () => {
    await expect(calibrate("scenarios/strategies/canary-minute.yaml")).rejects.toThrow("is neither a world nor a scenario with one");
    await expect(calibrate("scenarios/nowhere.yaml")).rejects.toThrow(/there is no file/);
    await expect(calibrate("scenarios/worlds/kiosk.yaml", { for: "5s" })).rejects.toThrow(/write at least 20s/);
    await expect(calibrate("scenarios/worlds/kiosk.yaml", { for: "long" })).rejects.toThrow(/--for long: /);
    await expect(calibrate("scenarios/worlds/kiosk.yaml", { seed: "x" })).rejects.toThrow("--seed x: write a whole number");
    await expect(calibrate("scenarios/worlds/kiosk.yaml", { seed: "2147483648" })).rejects.toThrow("a whole number from 0 to 2147483647");
    expect(await calibrate("scenarios/worlds/kiosk.yaml", { seed: "2147483647" })).toBe(0);
  });

  it("shows a calibration's plan, of a world or of a scenario's, and stops there", async () => {
    printed.length = 0;
    expect(await calibrate("scenarios/worlds/kiosk.yaml")).toBe(0);
    expect(await calibrate(SCENARIO)).toBe(0);
    expect(printed.filter((text) => text.includes("Game day calibrate-kiosk-1"))).toHaveLength(2);
    expect(printed.join("\n")).toContain("It breaks nothing.");
  });
});
