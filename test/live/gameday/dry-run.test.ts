// A dry run says all that would be played, and plays nothing.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gameDayCommand, type GameDayFlags } from "../../../src/cli/commands/gameday.js";
import { ExitCode } from "../../../src/cli/exit.js";
import { miniText } from "./mini.js";

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "shakedown-dry-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function dryRun(flags: Partial<GameDayFlags>): Promise<string> {
  writeFileSync(join(folder, "package.json"), "{}");
  writeFileSync(join(folder, "mini.yaml"), miniText({}));
  let printed = "";
  const terminal = { color: false, width: 100, live: false, status: () => undefined, print: (line: string) => void (printed += `${line}\n`), warn: () => undefined };
  expect(await gameDayCommand(join(folder, "mini.yaml"), { target: "local", dryRun: true, out: folder, allowPath: [], ...flags }, terminal)).toBe(ExitCode.ok);
  expect(existsSync(join(folder, "gamedays"))).toBe(false);
  return printed;
}

describe("a dry run", () => {
  it("of a prediction says that a calibration is played first, how long that takes, and what leaves it out", async () => {
    const printed = await dryRun({ predict: true });
    expect(printed).toMatch(/First comes a calibration: a game day of its own, with 60s in which nothing is broken/);
    expect(printed).toMatch(/It takes 2m \d+s, with \d+ processes, in .*calibrate-mini/);
    expect(printed).toContain("--calibrated WORLD");
    expect(printed.indexOf("First comes a calibration")).toBeLessThan(printed.indexOf("Game day mini-1"));
  });

  it("of a game day alone says nothing of it", async () => {
    expect(await dryRun({})).not.toContain("calibration");
  });
});
