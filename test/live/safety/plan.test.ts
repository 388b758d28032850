// The plan: what is refused before anything starts, and what people read.

import { describe, expect, it } from "vitest";
import { checkPlan, machineNow, availableMemoryBytes, PLAN_LIMITS, type GameDayPlan, type MachineNow } from "../../../src/live/safety/plan.js";
import { confirmPlan, planText } from "../../../src/live/safety/plan-text.js";
import { MICROS_PER_HOUR, seconds } from "../../../src/kernel/units.js";

const MIB = 1024 * 1024;

const PLAN: GameDayPlan = {
  id: "replica-stop-1",
  scenario: "replica-stop",
  speed: 30,
  takes: seconds(90),
  load: 120,
  processes: [
    { role: "main", count: 1, memoryBytes: 120 * MIB },
    { role: "watchdog", count: 1, memoryBytes: 60 * MIB },
    { role: "checkout v1", count: 4, memoryBytes: 80 * MIB },
  ],
  faults: [{ what: "SIGSTOP", victim: "checkout v1, replica 2", blastRadius: "one replica of four; its requests time out and are retried", at: seconds(30), lasts: seconds(15), reverts: "SIGCONT" }],
  ports: [{ what: "checkout v1", host: "127.0.0.1", port: null }, { what: "prometheus", host: "127.0.0.1", port: 9_090 }],
  folder: "shakedown-out/gamedays/replica-stop-1",
  temporaryFolders: ["shakedown-out/gamedays/replica-stop-1/prometheus"],
  stopIf: ["error-rate(checkout) > 50%"],
  steadyState: ["every replica is up", "error rate up to 1%"],
};
const MACHINE: MachineNow = { platform: "linux", availableMemoryBytes: 8_192 * MIB, interactive: true, yes: false };

const why = (plan: Partial<GameDayPlan>, machine: Partial<MachineNow> = {}): readonly string[] =>
  checkPlan({ ...PLAN, ...plan }, { ...MACHINE, ...machine }).map(({ message, instead }) => `${message} | ${instead}`);

describe("a plan is refused", () => {
  it("never when it is within its bounds", () => {
    expect(why({})).toEqual([]);
    expect(why({ processes: [{ role: "x", count: PLAN_LIMITS.processes, memoryBytes: 1 }], load: PLAN_LIMITS.load, takes: PLAN_LIMITS.takes })).toEqual([]);
  });

  it("with more than 40 processes in all", () => {
    const processes = [{ role: "a", count: 20, memoryBytes: MIB }, { role: "b", count: 21, memoryBytes: MIB }];
    expect(why({ processes })).toEqual(["41 processes are too many: a game day has at most 40 | give the services (or `canary-replicas`) fewer replicas, or the script fewer releases"]);
  });

  it("with more than a quarter of the memory that is free", () => {
    expect(why({}, { availableMemoryBytes: 4 * 500 * MIB })).toEqual([]);
    expect(why({}, { availableMemoryBytes: 4 * 500 * MIB - 4 })).toEqual(["it needs up to 500MiB, more than a quarter of the 1.95GiB that are free | give the services (or `canary-replicas`) fewer replicas, or the script fewer releases, or free some memory"]);
  });

  it("with a port that others can reach", () => {
    expect(why({ ports: [{ what: "proxy", host: "0.0.0.0", port: 80 }, { what: "x", host: "::1", port: 1 }] })).toEqual(["proxy would listen on 0.0.0.0: a game day stays on the loopback | use 127.0.0.1"]);
  });

  it.each([[{ load: 2_001 }], [{ load: 0 }], [{ load: Number.NaN }], [{ takes: 2 * MICROS_PER_HOUR + 1 }], [{ takes: Infinity }]])("without bounds on load and time: %j", (plan) => {
    expect(why(plan).join()).toMatch(/at most/);
  });

  it("with a fault that has no end", () => {
    expect(why({ faults: [{ ...PLAN.faults[0], lasts: Infinity }] })).toHaveLength(1);
  });

  it("without a terminal and without --yes; either will do", () => {
    expect(why({}, { interactive: false })).toEqual(["nobody is at a terminal to say yes to the plan | look at it with --dry-run, then add --yes"]);
    expect(why({}, { interactive: false, yes: true })).toEqual([]);
  });

  it("for all its reasons at once", () => {
    expect(why({ load: 9_999, takes: Infinity }, { platform: "darwin", interactive: false })).toHaveLength(4);
  });
});

it("the machine says how much memory is free", () => {
  expect(availableMemoryBytes()).toBeGreaterThan(10 * MIB);
  expect(machineNow(true)).toMatchObject({ platform: process.platform, yes: true });
});

it("the plan's text names every process, port, fault with its reach and revert, and how it is stopped", () => {
  expect(planText(PLAN)).toMatchInlineSnapshot(`
    "Game day replica-stop-1: replica-stop at speed 30

      takes      1m 30s (at most 2h)
      load       up to 120/s on the loopback (at most 2,000/s)
      processes  6, up to 500MiB together
        1  main         up to 120MiB
        1  watchdog     up to 60MiB
        4  checkout v1  up to 80MiB each
      ports      loopback only
        127.0.0.1:any free one  checkout v1
        127.0.0.1:9090          prometheus
      files      shakedown-out/gamedays/replica-stop-1
        shakedown-out/gamedays/replica-stop-1/prometheus (removed at the end)

      It breaks 1 thing:
        +00:00:30 for 15s: SIGSTOP on checkout v1, replica 2
          reaches  one replica of four; its requests time out and are retried
          reverts  SIGCONT

      Before the first fault: every replica is up; error rate up to 1%
      It stops and reverts when error-rate(checkout) > 50%, or its journal or its watchdog fails, or you press Ctrl-C once, or \`shakedown gameday stop replica-stop-1\` says so"
  `);
});

it("only a clear yes starts it", async () => {
  const said = async (answer: string): Promise<boolean> => confirmPlan(async () => answer);
  expect(await Promise.all(["y", "Yes", " yes "].map(said))).toEqual([true, true, true]);
  expect(await Promise.all(["", "n", "yesterday", "ok"].map(said))).toEqual([false, false, false, false]);
});
