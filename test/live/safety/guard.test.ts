// The guard in main: nothing is begun without its entry, everything that was begun has an end, and a full disk stops it all.

import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { GameDayGuard, type FaultLease, type SafetyLoss } from "../../../src/live/safety/guard.js";
import type { GameDayChild } from "../../../src/live/safety/children.js";
import { isStill, signalIf, stateOf } from "../../../src/live/safety/identity.js";
import { JournalFailure } from "../../../src/live/safety/journal.js";
import { PLAN_LIMITS } from "../../../src/live/safety/plan.js";
import { recover } from "../../../src/live/safety/recover.js";
import { BUILT, endGameDays, startGameDay, stateIn } from "./game-day.js";
import { isStubborn, temporaryFolder, tidy, until } from "./programs.js";

const guards: GameDayGuard[] = [];
const mounts: string[] = [];

afterEach(async () => {
  endGameDays();
  for (const guard of guards.splice(0)) await guard.end("the test is over");
  for (const mount of mounts.splice(0)) execFileSync("umount", ["-l", mount]);
  tidy();
});

async function begin(folder = join(temporaryFolder(), "g1")): Promise<{ readonly guard: GameDayGuard; readonly losses: SafetyLoss[]; readonly journal: string }> {
  const losses: SafetyLoss[] = [];
  const guard = await GameDayGuard.begin({ id: "g1", folder, limitMs: 60_000, onLost: (loss) => void losses.push(loss) });
  guards.push(guard);
  return { guard, losses, journal: join(folder, "journal.ndjson") };
}

const replica = (guard: GameDayGuard, ...options: readonly string[]): GameDayChild =>
  guard.spawn({ role: "shop v1 #1", run: { node: join(import.meta.dirname, "child-program.mjs") }, args: [BUILT, ...options], stdout: "ignore", stderr: "ignore" });

const stopping = (victim: GameDayChild, forMs: number, fault = "f1"): FaultLease =>
  ({ fault, what: "SIGSTOP", victim: victim.role, forMs, revert: { how: "continue", victim: victim.identity } });

/** A disk of its own with a few kilobytes; null where mounting is not allowed. */
function smallDisk(): string | null {
  const folder = temporaryFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return null;
  }
  mounts.push(folder);
  return folder;
}

/** Writes until the disk takes no more. */
function fillDisk(folder: string): void {
  for (let size = 16_384; size >= 1; size = Math.floor(size / 4)) {
    try {
      for (let file = 0; ; file += 1) writeFileSync(join(folder, `fill-${size}-${file}`), Buffer.alloc(size));
    } catch {
      continue;
    }
  }
}

/** The last page of a file takes a little more on a full disk; blank lines say nothing. */
function fillLastPage(file: string): void {
  for (;;) {
    try {
      appendFileSync(file, "\n");
    } catch {
      return;
    }
  }
}

const disk = smallDisk();
if (disk !== null) execFileSync("umount", ["-l", disk]);
mounts.length = 0;
const canMount = disk !== null;

describe("the bound on processes", () => {
  it("holds whatever the plan foretold", async () => {
    const { guard, journal } = await begin();
    const intended = Array.from({ length: PLAN_LIMITS.processes - 2 }, (_, k) => ({ kind: "process-intended", at: "", by: "main", token: String(k).padStart(32, "0"), role: "shop v2" }));
    appendFileSync(journal, intended.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    await until("it has read of them", () => {
      try {
        signalIf(replica(guard).identity, "SIGKILL");
        return false;
      } catch (error) {
        expect((error as Error).message).toBe("shop v1 #1 can't be started: 40 processes run already, and a game day has at most 40");
        return true;
      }
    });
  });
});

describe("a fault", () => {
  it("is in the journal before it is made, and reverted at its end by main", async () => {
    const { guard, journal } = await begin();
    const victim = replica(guard);
    let before = 0;
    await guard.beginFault(stopping(victim, 400), () => {
      before = stateIn(journal).openFaults.length;
      signalIf(victim.identity, "SIGSTOP");
    });
    expect(before).toBe(1);
    await until("it is stopped", () => stateOf(victim.identity) === "stopped");
    await until("it goes on", () => stateOf(victim.identity) === "running", 1_000);
    await until("it is written", () => stateIn(journal).openFaults.length === 0);
    expect(readFileSync(journal, "utf8")).toMatch(/"fault-reverted".*"by":"main".*SIGCONT/);
  });

  it("is reverted when making it fails halfway, and the failure is handed on", async () => {
    const { guard } = await begin();
    const victim = replica(guard);
    const begun = guard.beginFault(stopping(victim, 5_000), () => {
      signalIf(victim.identity, "SIGSTOP");
      throw new Error("halfway");
    });
    await expect(begun).rejects.toThrow("halfway");
    expect(stateOf(victim.identity)).toBe("running");
    expect(guard.openFaults).toEqual([]);
  });

  it("is undone again when it was reverted while it was still being made", async () => {
    const { guard } = await begin();
    const victim = replica(guard);
    await guard.beginFault(stopping(victim, 100), async () => {
      await sleep(400);
      signalIf(victim.identity, "SIGSTOP");
    });
    await until("it goes on", () => stateOf(victim.identity) === "running", 1_000);
  });

  it("that stops what another one has stopped too is reverted without letting it go on: the last of them does", async () => {
    const { guard, journal } = await begin();
    const victim = replica(guard);
    const stop = (): void => void signalIf(victim.identity, "SIGSTOP");
    await guard.beginFault(stopping(victim, 1_500, "long"), stop);
    await guard.beginFault(stopping(victim, 200, "short"), stop);
    await until("the short one is written", () => stateIn(journal).openFaults.length === 1);
    await sleep(100);
    expect(stateOf(victim.identity)).toBe("stopped");
    await until("it goes on", () => stateOf(victim.identity) === "running", 2_500);
    await guard.beginFault(stopping(victim, 30_000, "one"), stop);
    await guard.beginFault(stopping(victim, 30_000, "two"), stop);
    expect(await guard.revertAll()).toBe(true);
    expect(stateOf(victim.identity)).toBe("running");
    expect(guard.openFaults).toEqual([]);
  });

  it("inside a process is reverted by telling it, once", async () => {
    const { guard } = await begin();
    const victim = replica(guard);
    const told: string[] = [];
    const lease: FaultLease = { fault: "slow", what: "latency x3", victim: victim.role, forMs: 300, revert: { how: "tell", victims: [victim.identity] }, tell: () => void told.push("stop") };
    const heard: string[] = [];
    await guard.beginFault(lease, () => void told.push("start"), (fault, by) => heard.push(`${fault} by ${by}`));
    await until("it was told", () => guard.openFaults.length === 0);
    expect([told, heard]).toEqual([["start", "stop"], ["slow by time"]]);
    expect(await guard.revertFault("slow")).toBe(true);
    expect(told).toHaveLength(2);
  });

  it("that can't be told stays open, for the watchdog", async () => {
    const { guard } = await begin();
    const victim = replica(guard);
    const tell = (): void => {
      throw new Error("the channel is closed");
    };
    await guard.beginFault({ fault: "slow", what: "latency x3", victim: victim.role, forMs: 10_000, revert: { how: "tell", victims: [victim.identity] }, tell }, () => undefined);
    expect(await guard.revertAll()).toBe(false);
    expect(guard.openFaults).toEqual(["slow"]);
  });

  it("that is a helper process ends with it", async () => {
    const { guard } = await begin();
    const burner = replica(guard, "stubborn");
    await guard.beginFault({ fault: "burn", what: "CPU burn", victim: "the machine", forMs: 300, revert: { how: "end-process", token: burner.token } }, () => undefined);
    await until("it is gone", () => !isStill(burner.identity), 2_000);
  });

  it("has a name of its own, and `tell` exactly where it is needed", async () => {
    const { guard } = await begin();
    const victim = replica(guard);
    await guard.beginFault(stopping(victim, 5_000), () => undefined);
    await expect(guard.beginFault(stopping(victim, 5_000), () => undefined)).rejects.toThrow(/begun before/);
    await expect(guard.beginFault({ ...stopping(victim, 5_000, "f2"), tell: () => undefined }, () => undefined)).rejects.toThrow(/tell/);
  });
});

describe("a process", () => {
  it("is in the journal with its token and identity, and its end too", async () => {
    const { guard, journal } = await begin();
    const child = replica(guard);
    expect(stateIn(journal).process(child.token)).toEqual({ token: child.token, role: "shop v1 #1", identity: child.identity });
    expect(readFileSync(`/proc/${child.identity.pid}/oom_score_adj`, "utf8").trim()).toBe("1000");
    signalIf(child.identity, "SIGKILL");
    await until("its end is written", () => !stateIn(journal).isRunning(child.token));
  });

  it("of a program that is not there is refused by name, and nothing is left", async () => {
    const { guard, journal } = await begin();
    expect(() => guard.spawn({ role: "prometheus", run: { program: "no-such-program" }, args: [] })).toThrow(/no program no-such-program on PATH/);
    expect(stateIn(journal).openProcesses.map(({ role }) => role)).toEqual(["watchdog"]);
  });

  it("ends politely, or by force when it does not listen, and leaves its folder removed", async () => {
    const { guard, journal } = await begin();
    const [polite, stubborn] = [replica(guard), replica(guard, "stubborn")];
    const data = guard.temporaryFolder("data");
    mkdirSync(join(data, "wal"));
    expect(() => guard.temporaryFolder("data")).toThrow(/exists/);
    await until("the stubborn one is up", () => isStubborn(stubborn.identity.pid));
    const { left, lines } = await guard.end("all done");
    expect(left).toEqual([]);
    expect(lines).toEqual(expect.arrayContaining([
      `ended shop v1 #1 (pid ${polite.identity.pid}) by SIGTERM`, `ended shop v1 #1 (pid ${stubborn.identity.pid}) by SIGKILL`, `removed ${data}`,
    ]));
    expect(existsSync(data)).toBe(false);
    expect(stateIn(journal)).toMatchObject({ ended: { by: "main", reason: "all done" }, openProcesses: [], openFolders: [] });
    expect(() => replica(guard)).toThrow(/ending/);
  });
});

describe("the end of a game day", () => {
  it("asks nobody any more once somebody is in a hurry: what does not listen is killed at once", async () => {
    const { guard } = await begin();
    const stubborn = replica(guard, "stubborn");
    await until("the stubborn one is up", () => isStubborn(stubborn.identity.pid));
    const ended = guard.end("asked");
    // It is being asked politely, and would be for a second and a half.
    await sleep(100);
    expect(isStill(stubborn.identity)).toBe(true);
    guard.hurry();
    await until("it is gone", () => !isStill(stubborn.identity), 1_000);
    expect((await ended).left).toEqual([]);
  });
});

describe.runIf(canMount)("a full disk", () => {
  it("stops further faults and processes, reverts what is on, and tells main why", async () => {
    const folder = join(smallDisk() ?? "", "g1");
    const { guard, losses } = await begin(folder);
    const victim = replica(guard);
    await guard.beginFault(stopping(victim, 30_000), () => void signalIf(victim.identity, "SIGSTOP"));
    await until("it is stopped", () => stateOf(victim.identity) === "stopped");
    fillDisk(folder);
    let made = false;
    await expect(guard.beginFault(stopping(victim, 30_000, "f".repeat(3_000)), () => {
      made = true;
    })).rejects.toThrow(JournalFailure);
    expect(made).toBe(false);
    expect(() => replica(guard)).toThrow(/ENOSPC/);
    await until("the first fault is reverted", () => stateOf(victim.identity) === "running", 2_000);
    expect(losses).toMatchObject([{ kind: "journal", failure: { code: "ENOSPC" } }]);
    expect((await guard.end("the disk is full")).left).toEqual([]);
    expect(isStill(victim.identity)).toBe(false);
  });

  it("does not keep the watchdog, nor recover, from cleaning up", async () => {
    const root = smallDisk() ?? "";
    const day = await startGameDay(root, "g1", "stop=30000");
    fillDisk(root);
    fillLastPage(day.journal);
    process.kill(day.main.pid, "SIGKILL");
    await until("nothing of it is left", () => day.left().length === 0);
    // What the watchdog removed makes room again; in any case nothing of it is left to do.
    expect((await recover(root)).clean).toBe(true);
    expect(day.left()).toEqual([]);
  });
});
