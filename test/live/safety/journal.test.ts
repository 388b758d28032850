// The journal: on disk before the change, readable after a crash, and loud when the disk refuses.

import { appendFileSync, closeSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { self } from "../../../src/live/safety/identity.js";
import { Journal, JournalFailure } from "../../../src/live/safety/journal.js";
import { GameDayState } from "../../../src/live/safety/state.js";
import { newToken } from "../../../src/live/safety/tokens.js";
import { temporaryFolder, tidy } from "./programs.js";

afterEach(tidy);

const startedIn = (folder: string) => ({ kind: "game-day-started", version: 1, id: "g1", main: self(), pidNamespace: "pid:[1]", folder, untilMonotonicMs: 1e12 }) as const;
const fault = (name: string) => ({ kind: "fault-begun", fault: name, what: "SIGSTOP", victim: "shop v1 #1", untilMonotonicMs: 5, until: "soon", revert: { how: "continue", victim: self() } }) as const;

function begun(): { readonly journal: Journal; readonly path: string } {
  const folder = temporaryFolder();
  const path = join(folder, "journal.ndjson");
  return { journal: Journal.begin(path, startedIn(folder)), path };
}

/** Closes the file behind the journal's back: the next write fails with EBADF. */
function breakFile(path: string): void {
  const fd = readdirSync("/proc/self/fd").find((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === path;
    } catch {
      return false;
    }
  });
  closeSync(Number(fd));
}

describe("the journal", () => {
  it("holds one readable line for each entry, with who wrote it and when", () => {
    const { journal, path } = begun();
    journal.before(fault("f1"));
    journal.after({ kind: "fault-reverted", fault: "f1", how: "SIGCONT" });
    const lines = readFileSync(path, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ kind, by }) => [kind, by])).toEqual([["game-day-started", "main"], ["fault-begun", "main"], ["fault-reverted", "main"]]);
    expect(lines.every(({ at }) => !Number.isNaN(Date.parse(String(at))))).toBe(true);
    journal.close();
  });

  it("tells another process what is open: what was begun and not reverted", () => {
    const { journal, path } = begun();
    const token = newToken();
    journal.before({ kind: "process-intended", token, role: "shop v1 #1" });
    journal.before({ kind: "folder-intended", path: "/nowhere/data" });
    for (const name of ["f1", "f2", "f3"]) journal.before(fault(name));
    journal.after({ kind: "fault-reverted", fault: "f2", how: "SIGCONT" });
    const { state } = Journal.join(path, "recover", "read-only");
    expect(state.openFaults.map(({ fault: name }) => name)).toEqual(["f3", "f1"]);
    expect(state.openProcesses).toEqual([{ token, role: "shop v1 #1", identity: null }]);
    expect(state.openFolders).toEqual(["/nowhere/data"]);
    expect(state.ended).toBeNull();
    journal.close();
  });

  it("is followed by others while it grows", () => {
    const { journal, path } = begun();
    const other = Journal.join(path, "watchdog");
    expect(other.follow()).toEqual([]);
    journal.before(fault("f1"));
    expect(other.follow().map(({ kind }) => kind)).toEqual(["fault-begun"]);
    other.after({ kind: "fault-reverted", fault: "f1", how: "SIGCONT" });
    expect(journal.follow().map(({ by }) => by)).toContain("watchdog");
    expect(journal.state.openFaults).toEqual([]);
    journal.close();
    other.close();
  });

  it("is read up to a line that a crash tore, and whoever writes next starts a line of its own", () => {
    const { journal, path } = begun();
    journal.before(fault("f1"));
    journal.close();
    appendFileSync(path, '{"kind":"fault-reverted","at":"2026-');
    const after = Journal.join(path, "recover");
    expect(after.state.openFaults).toHaveLength(1);
    after.after({ kind: "fault-reverted", fault: "f1", how: "SIGCONT" });
    after.close();
    const later = Journal.join(path, "recover", "read-only");
    expect(later.state.openFaults).toEqual([]);
    expect(later.unreadableLines).toEqual([3]);
    later.close();
  });

  it("cut off at any byte, says what its whole lines say, and takes the next entry", () => {
    const { journal, path } = begun();
    journal.before(fault("f1"));
    journal.after({ kind: "fault-reverted", fault: "f1", how: "SIGCONT – done" });
    journal.close();
    const bytes = readFileSync(path);
    const [first, second] = [bytes.indexOf("\n"), bytes.indexOf("\n", bytes.indexOf("\n") + 1)];
    const cut = join(temporaryFolder(), "journal.ndjson");
    for (let length = 0; length <= bytes.length; length += 7) {
      writeFileSync(cut, bytes.subarray(0, length));
      const found = Journal.join(cut, "recover");
      const openFaults = length > second && length < bytes.length ? 1 : 0;
      expect([found.state.started !== null, found.state.openFaults.length], `${length} bytes`).toEqual([length > first, openFaults]);
      found.after({ kind: "note", text: "found" });
      found.follow();
      found.close();
      const next = Journal.join(cut, "recover", "read-only");
      expect(next.unreadableLines.length).toBeLessThanOrEqual(1);
      expect(readFileSync(cut, "utf8")).toMatch(/\n?\{[^\n]*"text":"found"\}\n$/);
      next.close();
    }
  });

  it("means the same when the same entries are read twice", () => {
    const entry = fc.oneof(
      fc.constantFrom("f1", "f2").map((name) => ({ ...fault(name), at: "", by: "main" }) as const),
      fc.constantFrom("f1", "f2").map((name) => ({ kind: "fault-reverted", at: "", by: "main", fault: name, how: "" }) as const),
      fc.constantFrom("a", "b").map((token) => ({ kind: "process-intended", at: "", by: "main", token, role: token }) as const),
      fc.constantFrom("a", "b").map((token) => ({ kind: "process-spawned", at: "", by: "main", token, role: token, identity: self() }) as const),
      fc.constantFrom("a", "b").map((token) => ({ kind: "process-ended", at: "", by: "main", token, how: "" }) as const),
    );
    const open = (state: GameDayState): unknown => [new Set(state.openFaults.map((each) => each.fault)), new Set(state.openProcesses.map(({ token, identity }) => `${token} ${identity?.pid}`))];
    fc.assert(fc.property(fc.array(entry, { maxLength: 12 }), (entries) => {
      const [once, twice] = [new GameDayState(), new GameDayState()];
      for (const each of entries) once.apply(each);
      for (const each of [...entries, ...entries]) twice.apply(each);
      expect(open(twice)).toEqual(open(once));
    }));
  });

  it("passes over an entry of a later version and a line of noise, and says which", () => {
    const { journal, path } = begun();
    appendFileSync(path, '{"kind":"portal-opened"}\nnoise\n');
    journal.before(fault("f1"));
    const later = Journal.join(path, "recover", "read-only");
    expect(later.unreadableLines).toEqual([2, 3]);
    expect(later.state.openFaults).toHaveLength(1);
    journal.close();
    later.close();
  });

  it("is never begun over another one", () => {
    const { path, journal } = begun();
    expect(() => Journal.begin(path, startedIn("/x"))).toThrow(JournalFailure);
    journal.close();
  });

  it("refuses every further change once a write has failed, and keeps taking note of reverts in memory", () => {
    const { journal, path } = begun();
    journal.before(fault("f1"));
    const heard: string[] = [];
    journal.onFailure(({ code }) => heard.push(code));
    breakFile(path);
    expect(() => journal.before(fault("f2"))).toThrow(JournalFailure);
    expect(() => journal.before(fault("f3"))).toThrow(/EBADF/);
    // What was refused was not done: only f1 is open.
    expect(journal.state.openFaults.map(({ fault: name }) => name)).toEqual(["f1"]);
    expect(journal.after({ kind: "fault-reverted", fault: "f1", how: "SIGCONT" })).toBe(false);
    expect(journal.state.openFaults).toEqual([]);
    expect(heard).toEqual(["EBADF"]);
    expect(journal.failure?.path).toBe(path);
  });

  it("fails with ENOSPC on a full disk", () => {
    const folder = temporaryFolder();
    const path = join(folder, "journal.ndjson");
    writeFileSync(path, "");
    symlinkSync("/dev/full", join(folder, "full"));
    const journal = Journal.join(join(folder, "full"), "main");
    expect(() => journal.before(fault("f1"))).toThrow(/ENOSPC/);
    expect(journal.failure?.code).toBe("ENOSPC");
    journal.close();
  });
});
