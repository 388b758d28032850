// The targets of a game day that was killed go from the file that somebody else's Prometheus reads; all else in it stays.

import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { self } from "../../../src/live/safety/identity.js";
import { Journal, JOURNAL_FILE } from "../../../src/live/safety/journal.js";
import { recover } from "../../../src/live/safety/recover.js";
import { removeTargets } from "../../../src/live/safety/targets-file.js";
import { DiscoveryFile } from "../../../src/live/telemetry/discovery.js";
import { temporaryFolder, tidy } from "./programs.js";

afterEach(tidy);

const REPLICA = { id: "shop-v1-0", labels: { service: "shop", version: "v1", replica: "0" }, url: "http://127.0.0.1:81/metrics" };

function filled(gameDay: string): string {
  const file = new DiscoveryFile(join(temporaryFolder(), "targets.json"), gameDay);
  file.add(REPLICA);
  file.add({ ...REPLICA, id: "shop-v1-1" });
  return file.path;
}

const text = (path: string): string => readFileSync(path, "utf8");

describe("a file of targets", () => {
  it("is emptied of those of the game day, once", () => {
    const path = filled("/days/g1");
    expect(removeTargets(path, "/days/g1")).toEqual({ how: "removed" });
    expect(JSON.parse(text(path))).toEqual([]);
    expect(removeTargets(path, "/days/g1")).toEqual({ how: "was empty" });
  });

  it("stays when it holds another's, or is none", () => {
    const path = filled("/days/g1");
    expect(removeTargets(path, "/days/g2")).toEqual({ how: "not ours" });
    const groups = JSON.parse(text(path)) as object[];
    for (const other of [JSON.stringify([...groups, { targets: ["db:9100"], labels: {} }]), JSON.stringify([...groups, { targets: ["db:9100"] }]), JSON.stringify({ groups }), "- targets: [db:9100]"]) {
      writeFileSync(path, other);
      expect(removeTargets(path, "/days/g1")).toEqual({ how: "not ours" });
      expect(text(path)).toBe(other);
    }
  });

  it("may be gone, or can't be read", () => {
    expect(removeTargets(join(temporaryFolder(), "none.json"), "/days/g1")).toEqual({ how: "was empty" });
    expect(removeTargets(temporaryFolder(), "/days/g1")).toMatchObject({ how: "failed" });
  });

  it("is emptied by recover after main and watchdog were killed", async () => {
    const root = temporaryFolder();
    const folder = join(root, "g1");
    const gone = { ...self(), startTicks: self().startTicks - 1 };
    const journal = Journal.begin(join(folder, JOURNAL_FILE), { kind: "game-day-started", version: 1, id: "g1", main: gone, pidNamespace: readlinkSync("/proc/self/ns/pid"), folder, untilMonotonicMs: 1e15 });
    const path = filled(folder);
    journal.before({ kind: "targets-intended", path });
    journal.close();
    expect(await recover(root)).toEqual({ lines: [`g1: took its targets out of ${path}`], clean: true });
    expect(JSON.parse(text(path))).toEqual([]);
    const { state } = Journal.join(journal.path, "recover", "read-only");
    expect(state.openTargetsFiles).toEqual([]);
    expect(state.ended).not.toBeNull();
  });
});
