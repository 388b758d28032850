// What an oracle does when its action fails: what the strategy would do, and then it begins again.

import { describe, expect, it } from "vitest";
import type { PlatformCommand } from "../../src/delivery/platform.js";
import { OracleHand, type OracleTask } from "../../src/sim/oracle-hand.js";

interface Place { readonly failing: number; readonly stable?: string; readonly readyOfBase?: number }

/** The commands that the oracle sends to a platform that fails `failing` of them. */
function sent(action: "disable-flag" | "roll-back", flag: string | null, { failing, stable = "v1", readyOfBase = 4 }: Place): string[] {
  const texts: string[] = [];
  const text = (command: PlatformCommand): string =>
    command.kind === "set-weight" ? `${command.version} ${command.weight}` : command.kind;
  const platform = {
    stable: () => ({ version: stable, replicas: 4 }),
    send: (id: number, command: PlatformCommand, heard: Parameters<ConstructorParameters<typeof OracleHand>[0]["send"]>[2]) => {
      texts.push(text(command));
      if (texts.length > failing) heard({ type: "action.done", id, at: 0, effectiveAt: 0 });
      else heard({ type: "action.failed", id, at: 0, why: "the control plane answered with an error" });
    },
  };
  const status = () => [{ version: "v1", desired: readyOfBase, starting: 0, ready: readyOfBase, draining: 0, weight: 0 }];
  const task: OracleTask = { service: "shop", version: "v2", flag, base: "v1", attempts: 2 };
  new OracleHand(platform, { status }, task, () => undefined).act(action);
  return texts;
}

describe("an oracle", () => {
  it("does the right action once where it works", () => {
    expect(sent("roll-back", null, { failing: 0 })).toEqual(["roll-back"]);
    expect(sent("disable-flag", "new", { failing: 0 })).toEqual(["set-flag"]);
  });

  it("shifts traffic after as many attempts as the strategy has, and rolls back again after as many of those", () => {
    expect(sent("roll-back", null, { failing: 4 })).toEqual(["roll-back", "roll-back", "v2 0", "v2 0", "roll-back"]);
  });

  it("rolls back where the flag cannot be switched", () => {
    expect(sent("disable-flag", "new", { failing: 2 })).toEqual(["set-flag", "set-flag", "roll-back"]);
  });

  it("shifts back to the base of a version that was promoted meanwhile, while the base has replicas", () => {
    expect(sent("roll-back", null, { failing: 2, stable: "v2" })).toEqual(["roll-back", "roll-back", "v1 1"]);
    expect(sent("roll-back", null, { failing: 2, stable: "v2", readyOfBase: 0 })).toEqual(["roll-back", "roll-back", "roll-back"]);
  });
});
