// A signal reaches the very process that was meant, and never one that got its pid.

import { once } from "node:events";
import { spawn } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { bootId, identify, isStill, requireLinux, self, signalIf, stateOf, UnsupportedMachine } from "../../../src/live/safety/identity.js";
import { sleeper, tidy, until } from "./programs.js";

afterEach(tidy);

describe("the identity of a process", () => {
  it("is its pid, its start time and the boot; the same at every look", () => {
    const child = sleeper();
    expect(identify(child.identity.pid)).toEqual(child.identity);
    expect(child.identity.bootId).toBe(bootId());
    expect(child.identity.startTicks).toBeGreaterThanOrEqual(self().startTicks);
    expect(isStill(child.identity)).toBe(true);
  });

  it("is found whatever the process calls itself", async () => {
    const child = sleeper("process.title = ') S 1 (x) R'");
    await until("it has its title", () => identify(child.identity.pid) !== null);
    expect(identify(child.identity.pid)).toEqual(child.identity);
  });

  it("tells running, stopped and gone apart, and counts one that has ended but was not waited for as gone", async () => {
    const child = sleeper();
    expect(stateOf(child.identity)).toBe("running");
    expect(signalIf(child.identity, "SIGSTOP")).toBe("sent");
    await until("it is stopped", () => stateOf(child.identity) === "stopped");
    signalIf(child.identity, "SIGCONT");
    await until("it runs", () => stateOf(child.identity) === "running");
    process.kill(child.identity.pid, "SIGKILL");
    // The shell's child ends and is never waited for.
    await until("it is gone", () => stateOf(child.identity) === "gone");
    expect(signalIf(child.identity, "SIGTERM")).toBe("gone");
  });

  it("sees a zombie as gone", async () => {
    const shell = spawn("sh", ["-c", "sleep 0.05 & echo $!; exec sleep 20"], { stdio: ["ignore", "pipe", "ignore"] });
    const [line] = (await once(shell.stdout, "data")) as [Buffer];
    const identity = identify(Number(line.toString()));
    await until("it has ended", () => identity !== null && stateOf(identity) === "gone");
    expect(identify(identity?.pid ?? 0)).not.toBeNull();
    shell.kill("SIGKILL");
  });

  it("never signals a process that has the pid but started at another time", () => {
    const child = sleeper();
    const other = { ...child.identity, startTicks: child.identity.startTicks - 1 };
    expect(isStill(other)).toBe(false);
    expect(signalIf(other, "SIGKILL")).toBe("gone");
    expect(isStill(child.identity)).toBe(true);
  });

  it("never signals a process of another boot", () => {
    const child = sleeper();
    const other = { ...child.identity, bootId: "00000000-0000-0000-0000-000000000000" };
    expect(signalIf(other, "SIGKILL")).toBe("gone");
    expect(isStill(child.identity)).toBe(true);
  });

  it.each([0, 1, -1, -process.pid, 1.5, NaN])("never signals pid %d, which is a group, init or nothing", (pid) => {
    expect(signalIf({ pid, startTicks: 1, bootId: bootId() }, "SIGKILL")).toBe("gone");
    if (pid !== 1) expect(identify(pid)).toBeNull();
  });

  it("is refused on other systems with the reason", () => {
    expect(() => requireLinux("linux")).not.toThrow();
    expect(() => requireLinux("darwin")).toThrow(UnsupportedMachine);
    expect(() => requireLinux("darwin")).toThrow(/Linux only/);
  });
});
