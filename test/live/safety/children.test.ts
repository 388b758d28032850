// A process that can't be started is told of in one line, and its intent does not stay open.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { spawnChild, spawnDetached } from "../../../src/live/safety/children.js";
import { self } from "../../../src/live/safety/identity.js";
import { Journal } from "../../../src/live/safety/journal.js";
import { temporaryFolder, tidy } from "./programs.js";

afterEach(tidy);

it.each([["a process of the game day", spawnChild], ["the watchdog", spawnDetached]])("%s", async (role, start) => {
  const folder = temporaryFolder();
  const journal = Journal.begin(join(folder, "journal.ndjson"), { kind: "game-day-started", version: 1, id: "g1", main: self(), pidNamespace: "", folder, untilMonotonicMs: 0 });
  expect(() => start(journal, { role, run: { node: "any.js" }, args: [], folder: join(folder, "nowhere") })).toThrow(`${role} can't be started`);
  // Why comes as an event, which ends the process when nobody hears it.
  await sleep(20);
  expect(journal.state.openProcesses).toEqual([]);
  journal.close();
});
