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
  const { lines, clean } = await recover(gameDaysFolder(out)).catch(refused);
  for (const line of lines) terminal.print(line);
  return clean ? ExitCode.ok : ExitCode.failed;
}

/** A machine that can't have game days is no fault of ours. */
export function refused(error: unknown): never {
  throw error instanceof UnsupportedMachine ? new UsageError(error.message) : error;
}
