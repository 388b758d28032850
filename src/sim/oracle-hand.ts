// The oracle's hand: the right action by the platform that everyone has, and what is left when it fails again and again.

import type { ActionEvent, ActionId, Platform, PlatformCommand } from "../delivery/platform.js";
import type { PlayedWorld } from "./stage.js";
import type { ForcedAction } from "./driver.js";

/** The oracle's commands need no number of their own: nobody else waits for them. */
const ORACLE_ACTION: ActionId = -1;

/** From mildest to last: a rollback follows a flag that cannot be switched, shifted traffic a rollback that fails. */
type Rung = "disable-flag" | "roll-back" | "shift-traffic";

export interface OracleTask {
  readonly service: string;
  readonly version: string;
  readonly flag: string | null;
  /** The version that it was built on, to which an oracle returns even after the promotion. */
  readonly base: string;
  /** How often the strategy would try each command. */
  readonly attempts: number;
}

/**
 * Carries the action out. It meets the same failures as everyone, tries as often as the strategy would and then falls
 * back as it does; unlike the strategy it asks no person in the end, but begins again.
 */
export class OracleHand {
  readonly #platform: Platform;
  readonly #world: Pick<PlayedWorld, "status">;
  readonly #task: OracleTask;
  readonly #heard: (command: PlatformCommand, event: ActionEvent) => void;

  constructor(platform: Platform, world: Pick<PlayedWorld, "status">, task: OracleTask, heard: (command: PlatformCommand, event: ActionEvent) => void) {
    this.#platform = platform;
    this.#world = world;
    this.#task = task;
    this.#heard = heard;
  }

  act(action: ForcedAction): void {
    this.#insist(action === "disable-flag" && this.#task.flag === null ? "roll-back" : action, this.#task.attempts);
  }

  #insist(rung: Rung, attempts: number): void {
    const command = this.#command(rung);
    this.#platform.send(ORACLE_ACTION, command, (event) => {
      this.#heard(command, event);
      if (event.type === "action.done") return;
      if (attempts > 1) this.#insist(rung, attempts - 1);
      else this.#insist(this.#after(rung), this.#task.attempts);
    });
  }

  #command(rung: Rung): PlatformCommand {
    const { service, version, flag, base } = this.#task;
    if (rung === "disable-flag" && flag !== null) return { kind: "set-flag", flag, on: false };
    if (rung !== "shift-traffic") return { kind: "roll-back", service, version, to: base };
    // After the promotion the version is the recorded stable one: only its base can be named.
    return this.#platform.stable(service).version === version
      ? { kind: "set-weight", service, version: base, weight: 1 }
      : { kind: "set-weight", service, version, weight: 0 };
  }

  /** Who knows better shifts no traffic to a version that has no replicas left. */
  #after(rung: Rung): Rung {
    const { service, base } = this.#task;
    const baseServes = this.#world.status(service).some(({ version, ready }) => version === base && ready > 0);
    return rung === "roll-back" && baseServes ? "shift-traffic" : "roll-back";
  }
}
