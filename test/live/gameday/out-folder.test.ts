// A place that nothing can be written to is refused in one clear line, before any process is started.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { miniText } from "./mini.js";

const COMMAND = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

// Linux' /proc: Node's own recursive mkdir never returns there.
describe.runIf(process.platform === "linux")("a folder that can't be made", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "shakedown-nowhere-"));
    writeFileSync(join(folder, "mini.yaml"), miniText({}));
    writeFileSync(join(folder, "file"), "");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    [["gameday", "mini.yaml", "--yes", "--out", "/proc/nowhere"], /^\/proc\/nowhere\/gamedays\/mini-1 can't be made: ENOENT.*$/],
    [["gameday", "mini.yaml", "--yes", "--out", "file"], /\/file\/gamedays\/mini-1 can't be made: ENOTDIR.*$/],
    [["calibrate", "mini.yaml", "--yes", "--game-days", "/proc/nowhere"], /^\/proc\/nowhere\/gamedays\/\S+ can't be made: ENOENT.*$/],
    [["calibrate", "mini.yaml", "--yes", "--out", "/proc/nowhere/world.yaml"], /^\/proc\/nowhere\/world.yaml: cannot be written \(ENOENT.*\)$/],
  ])("%j is refused in one line, and nothing is started", (args, said) => {
    const { status, stderr, signal } = spawnSync(process.execPath, [COMMAND, ...args], { cwd: folder, encoding: "utf8", timeout: 60_000, env: { ...process.env, NO_COLOR: "1" } });
    expect(signal).toBeNull();
    expect(stderr.trim()).toMatch(said);
    expect(status).toBe(2);
  });
});
