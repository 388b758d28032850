// `shakedown gameday recover`: cleans up whatever a game day left behind when it was killed.

import { gameDaysFolder } from "../../live/safety/game-days.js";
import { UnsupportedMachine } from "../../live/safety/identity.js";
import { recover } from "../../live/safety/recover.js";
import { ExitCode, UsageError } from "../exit.js";
import type { Terminal } from "../terminal.js";

interface GameDayFlags {
  /** The output folder that the game days were given. */
  readonly out?: string;
}

/** Cleans up, a line for each thing done; exit code 1 when something is left. */
export async function recoverGameDays(terminal: Terminal, { out = "shakedown-out" }: GameDayFlags = {}): Promise<ExitCode> {
  try {
    const { lines, clean } = await recover(gameDaysFolder(out));
    for (const line of lines) terminal.print(line);
    return clean ? ExitCode.ok : ExitCode.failed;
  } catch (error) {
    if (error instanceof UnsupportedMachine) throw new UsageError(error.message);
    throw error;
  }
}
