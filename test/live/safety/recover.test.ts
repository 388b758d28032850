// Recover: what is left after main and watchdog were killed together is found and undone, once, by whoever comes.

import { appendFileSync, chownSync, existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { identify, isStill, self, signalIf, stateOf, type ProcessIdentity } from "../../../src/live/safety/identity.js";
import { Journal, JOURNAL_FILE } from "../../../src/live/safety/journal.js";
import { recover } from "../../../src/live/safety/recover.js";
import { newToken, TOKEN_ARGUMENT } from "../../../src/live/safety/tokens.js";
import { endGameDays, startGameDay, stateIn, type RunningGameDay } from "./game-day.js";
import { sleeper, temporaryFolder, tidy, until } from "./programs.js";

afterEach(() => {
  endGameDays();
  tidy();
});

/** Kills main and watchdog together; what hangs on the parent's pipe goes by itself. */
async function killBoth(day: RunningGameDay): Promise<void> {
  // Main first: it would miss the watchdog at once, the watchdog main only at its next look.
  signalIf(day.main, "SIGKILL");
  signalIf(day.watchdog, "SIGKILL");
  await until("both are gone", () => !isStill(day.main) && !isStill(day.watchdog));
}

const goneMain: ProcessIdentity = { ...self(), startTicks: self().startTicks - 1 };

/** A journal as a main that is gone would have left it. */
function leftBehind(root: string, id: string, main = goneMain): Journal {
  const folder = join(root, id);
  return Journal.begin(join(folder, JOURNAL_FILE), { kind: "game-day-started", version: 1, id, main, pidNamespace: "pid:[0]", folder, untilMonotonicMs: 1e15 });
}

/** The same with the namespace of this process, so that recover may act. */
function leftHere(root: string, id: string, main = goneMain): Journal {
  const journal = leftBehind(root, id, main);
  journal.close();
  const path = join(root, id, JOURNAL_FILE);
  writeFileSync(path, readFileSync(path, "utf8").replace("pid:[0]", pidSpace()));
  return Journal.join(path, "main");
}

const pidSpace = (): string => readlinkSync("/proc/self/ns/pid");

describe("recover", () => {
  it("leaves nothing within 10 s after main and watchdog were killed with -9 while a replica was stopped", async () => {
    const root = temporaryFolder();
    const day = await startGameDay(root, "g1", "stop=30000");
    await killBoth(day);
    // The stopped replica can't see that its parent went.
    expect(stateOf(day.children[0])).toBe("stopped");
    const from = performance.now();
    const { lines, clean } = await recover(root);
    expect(day.left()).toEqual([]);
    expect(performance.now() - from).toBeLessThan(10_000);
    expect(clean).toBe(true);
    expect(lines).toContain(`g1: ended shop v1 #1 (pid ${day.children[0].pid}) by SIGCONT and SIGKILL`);
    expect(existsSync(day.temporary)).toBe(false);
    expect(stateIn(day.journal)).toMatchObject({ ended: { by: "recover" }, openFaults: [], openProcesses: [], openFolders: [] });
  });

  it("does nothing the second time, and says so", async () => {
    const root = temporaryFolder();
    const day = await startGameDay(root, "g1", "stop=30000");
    await killBoth(day);
    await recover(root);
    const written = readFileSync(day.journal, "utf8");
    expect(await recover(root)).toEqual({ lines: ["nothing to recover"], clean: true });
    expect(readFileSync(day.journal, "utf8")).toBe(written);
  });

  it("does it once when two come at the same time, and steps over the lock of one that died", async () => {
    const root = temporaryFolder();
    const day = await startGameDay(root, "g1", "stop=30000");
    await killBoth(day);
    writeFileSync(join(day.folder, "cleaning-1.lock"), JSON.stringify(goneMain));
    const both = await Promise.all([recover(root), recover(root), recover(root)]);
    expect(both.every(({ clean }) => clean)).toBe(true);
    expect(both.filter(({ lines }) => lines.includes("nothing to recover"))).toHaveLength(2);
    expect(readFileSync(day.journal, "utf8").match(/game-day-ended/g)).toHaveLength(1);
    expect(day.left()).toEqual([]);
  });

  it("waits for somebody alive who is at it, and then gives up without touching anything", async () => {
    const root = temporaryFolder();
    leftHere(root, "g1").close();
    const other = sleeper();
    writeFileSync(join(root, "g1", "cleaning-1.lock"), JSON.stringify(other.identity));
    expect(await recover(root, 200)).toEqual({ lines: ["g1: somebody else is cleaning it up"], clean: false });
    signalIf(other.identity, "SIGSTOP");
    await until("the holder is stopped", () => stateOf(other.identity) === "stopped");
    expect((await recover(root, 200)).clean).toBe(true);
    expect(stateIn(join(root, "g1", JOURNAL_FILE)).ended).not.toBeNull();
  });

  it("leaves a game day alone whose main still runs", async () => {
    const root = temporaryFolder();
    const day = await startGameDay(root, "g1");
    const { lines } = await recover(root);
    expect(lines).toEqual([`g1: still running (pid ${day.main.pid}); end it with \`shakedown gameday stop g1\``]);
    expect(day.left()).toHaveLength(4);
  });

  it("leaves a game day of another container alone: its pids mean others here", async () => {
    const root = temporaryFolder();
    leftBehind(root, "g1").close();
    const { lines, clean } = await recover(root);
    expect(clean).toBe(false);
    expect(lines[0]).toMatch(/another container/);
  });

  it.runIf(process.getuid?.() === 0)("does nothing that somebody else's journal says", async () => {
    const root = temporaryFolder();
    leftHere(root, "g1").close();
    chownSync(join(root, "g1", JOURNAL_FILE), 12_345, 12_345);
    expect(await recover(root)).toEqual({ lines: ["g1: its journal belongs to another user (12345): recover it as that user"], clean: false });
  });

  it("never signals the process that got a recorded pid later", async () => {
    const root = temporaryFolder();
    const stranger = sleeper();
    const journal = leftHere(root, "g1");
    const token = newToken();
    journal.before({ kind: "process-intended", token, role: "shop v1 #1" });
    const wrong = { ...stranger.identity, startTicks: stranger.identity.startTicks - 5 };
    journal.after({ kind: "process-spawned", token, role: "shop v1 #1", identity: wrong });
    journal.before({ kind: "fault-begun", fault: "f1", what: "SIGSTOP", victim: "shop v1 #1", untilMonotonicMs: 0, until: "", revert: { how: "continue", victim: wrong } });
    journal.close();
    expect((await recover(root)).clean).toBe(true);
    expect(isStill(stranger.identity)).toBe(true);
    expect(stateIn(join(root, "g1", JOURNAL_FILE))).toMatchObject({ openFaults: [], openProcesses: [] });
  });

  it("takes everything for gone that another boot wrote down, and still removes its folder", async () => {
    const root = temporaryFolder();
    const bystander = sleeper();
    const old = { ...bystander.identity, bootId: "11111111-1111-1111-1111-111111111111" };
    const journal = leftHere(root, "g1", { ...self(), bootId: old.bootId });
    const token = newToken();
    journal.before({ kind: "process-intended", token, role: "shop v1 #1" });
    journal.after({ kind: "process-spawned", token, role: "shop v1 #1", identity: old });
    const folder = join(root, "g1", "data");
    journal.before({ kind: "folder-intended", path: folder });
    mkdirSync(folder);
    writeFileSync(join(folder, ".shakedown-temporary"), "g1\n");
    writeFileSync(join(folder, "block"), "data");
    journal.close();
    expect(await recover(root)).toEqual({ lines: [`g1: removed ${folder}`], clean: true });
    expect(isStill(bystander.identity)).toBe(true);
    expect(existsSync(folder)).toBe(false);
  });

  it("finds a process whose pid was never written down, by its token", async () => {
    const root = temporaryFolder();
    const journal = leftHere(root, "g1");
    const token = newToken();
    journal.before({ kind: "process-intended", token, role: "shop v1 #1" });
    journal.close();
    const child = sleeper("", [`${TOKEN_ARGUMENT}${token}`]);
    const bystander = sleeper("", [`${TOKEN_ARGUMENT}${newToken()}`]);
    await until("it shows its arguments", () => readFileSync(`/proc/${child.identity.pid}/cmdline`, "latin1").includes(token));
    const { lines } = await recover(root);
    expect(lines).toEqual([`g1: ended shop v1 #1 (pid ${child.identity.pid}, found by its token) by SIGTERM`]);
    expect(isStill(child.identity)).toBe(false);
    expect(isStill(bystander.identity)).toBe(true);
  });

  it("ends the children of a recorded process too: they carry its token", async () => {
    const root = temporaryFolder();
    const journal = leftHere(root, "g1");
    const token = newToken();
    journal.before({ kind: "process-intended", token, role: "load" });
    journal.close();
    const shell = spawn("sh", ["-c", "sleep 60 & echo $!; exit 0"], { env: { ...process.env, SHAKEDOWN_TOKEN: token }, stdio: ["ignore", "pipe", "ignore"] });
    const pid = await new Promise<number>((resolve) => shell.stdout.once("data", (data: Buffer) => resolve(Number(data.toString()))));
    const orphan = identify(pid);
    expect(orphan).not.toBeNull();
    await recover(root);
    expect(orphan !== null && isStill(orphan)).toBe(false);
  });

  it("removes no folder that does not say it belongs to the game day, whatever the journal says", async () => {
    const root = temporaryFolder();
    const precious = temporaryFolder();
    writeFileSync(join(precious, "thesis.txt"), "years of work");
    const journal = leftHere(root, "g1");
    journal.before({ kind: "folder-intended", path: precious });
    journal.close();
    const { lines, clean } = await recover(root);
    expect(existsSync(join(precious, "thesis.txt"))).toBe(true);
    expect(clean).toBe(true);
    expect(lines[0]).toMatch(/alone/);
  });

  it("reads past a torn last line and says so", async () => {
    const root = temporaryFolder();
    leftHere(root, "g1").close();
    appendFileSync(join(root, "g1", JOURNAL_FILE), '{"kind":"fault-be');
    const { lines } = await recover(root);
    expect(lines.join("\n")).toMatch(/line 2 of its journal can't be read/);
    expect(stateIn(join(root, "g1", JOURNAL_FILE)).ended?.by).toBe("recover");
  });

  it("says that there is nothing to recover where there is no game day at all", async () => {
    expect(await recover(join(temporaryFolder(), "nowhere"))).toEqual({ lines: ["nothing to recover"], clean: true });
  });
});
