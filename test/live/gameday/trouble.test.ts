// Game days that go wrong in the middle: what is lost ends them, nothing is decided on missing data, and nothing is left.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { findOnPath } from "../../../src/live/safety/children.js";
import { MiniGameDay, miniScenario, miniText, readJournal, RELEASE, stillMarked } from "./mini.js";

const days: MiniGameDay[] = [];
const begin = (...options: ConstructorParameters<typeof MiniGameDay>): MiniGameDay => {
  const day = new MiniGameDay(...options);
  days.push(day);
  return day;
};

afterEach(async () => {
  for (const day of days.splice(0)) {
    await day.done.catch(() => undefined);
    day.forget();
  }
}, 60_000);

describe("a game day", { timeout: 60_000 }, () => {
  it("whose replica hangs restarts it by its liveness probe, though it is stopped again while the fault lasts", async () => {
    const day = begin(miniScenario({ script: "[{ at: 3s, fault: { effect: { on: shop, replica: 0, outage: true }, for: 4s } }]" }));
    const { outcome, early, cleaned } = await day.done;
    expect(early).toBeNull();
    const texts = outcome?.timeline.map(({ text }) => text) ?? [];
    expect(texts).toContain("shop-v1-0 did not answer its liveness probe");
    expect(texts).toContain("shop-v1-0 is ready");
    const faults = day.journal.filter(({ kind }) => kind === "fault-begun");
    expect(faults.length).toBeGreaterThan(1);
    expect(day.journal.filter(({ kind }) => kind === "fault-reverted")).toHaveLength(faults.length);
    expect([cleaned.left, day.left]).toEqual([[], 0]);
  });

  it("whose proxy is killed ends at once: nothing can be measured any more", async () => {
    const day = begin(miniScenario({ script: RELEASE, lasts: "40s" }));
    await day.until(({ at }) => at > 1e6);
    process.kill(day.pid("proxy"), "SIGKILL");
    const { early, outcome, cleaned } = await day.done;
    expect(early).toMatchObject({ kind: "lost", why: "proxy ended (SIGKILL)" });
    expect(outcome?.passed).toBe(false);
    expect(outcome?.approximations[0]).toContain("ended early");
    expect([cleaned.left, day.left]).toEqual([[], 0]);
  });

  it.runIf(findOnPath("prometheus") !== null)("whose Prometheus dies gives no verdict on missing data: it holds, and raises an alarm", async () => {
    const day = begin(miniScenario({ script: RELEASE, lasts: "13s" }), { kind: "prometheus", program: "prometheus" });
    await day.until(({ states }) => states.some((state) => state.includes("baking")));
    process.kill(day.pid("prometheus"), "SIGKILL");
    const { outcome, early, cleaned } = await day.done;
    expect(early).toBeNull();
    const [release] = outcome?.releases ?? [];
    expect([release.result, release.classification]).toEqual(["held", "undecided"]);
    const acted = outcome?.decisions.filter(({ actions }) => actions.some((action) => action !== "hold")) ?? [];
    expect(acted).toEqual([]);
    expect(outcome?.alerts.filter(({ severity, text }) => severity === "critical" && text.includes("Prometheus")).length).toBeGreaterThan(0);
    expect([cleaned.left, day.left]).toEqual([[], 0]);
  });

  it.runIf(findOnPath("prlimit") !== null)("whose disk is full begins no further fault, reverts and ends", async () => {
    const folder = mkdtempSync(join(tmpdir(), "shakedown-full-"));
    try {
      const file = join(folder, "full.yaml");
      writeFileSync(file, miniText({
        script: "[{ at: 3s, fault: { effect: { on: shop, replica: 0, latency: +50ms }, for: 30s } }, { at: 5s, fault: { effect: { on: shop, replica: 1, outage: true }, for: 5s } }]", lasts: "40s",
      }));
      const command = spawn(process.execPath, [fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url)), "gameday", file, "--yes", "--out", folder], { stdio: ["ignore", "ignore", "pipe"] });
      let said = "";
      command.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
      const ended = new Promise<number | null>((resolve) => command.once("exit", resolve));
      const journal = join(folder, "gamedays", "mini-1", "journal.ndjson");
      while (!readJournal(journal).some(({ kind }) => kind === "fault-begun")) await new Promise((resolve) => setTimeout(resolve, 100));
      // From here on no file of this process grows, as on a full disk.
      execFileSync("prlimit", [`--pid=${command.pid}`, `--fsize=${statSync(journal).size}`]);
      expect(await ended).not.toBe(0);
      expect(said).toMatch(/the game day ended early: the journal .* can't be written \(EFBIG\)/);
      const entries = readJournal(journal);
      expect(entries.filter(({ kind }) => kind === "fault-begun")).toHaveLength(1);
      expect(stillMarked(entries)).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
