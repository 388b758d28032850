// `shakedown validate`: reads scenarios as `run` would, says what is wrong and where, and runs nothing.

import { ExitCode } from "../exit.js";
import { fidelityFlag } from "../fidelity.js";
import { loadAll } from "../load.js";
import { scenarioFiles } from "../targets.js";
import type { Terminal } from "../terminal.js";

export interface ValidateFlags {
  readonly allowPath: readonly string[];
  readonly fidelity?: string;
}

export function validateCommand(targets: readonly string[], flags: ValidateFlags, terminal: Terminal): ExitCode {
  const fidelity = fidelityFlag(flags.fidelity);
  const scenarios = loadAll(scenarioFiles(targets), { allowPath: flags.allowPath, color: terminal.color, fidelity });
  for (const { file, name, fidelity: own } of scenarios) terminal.print(`ok  ${file}: ${name} (${fidelity ?? own})`);
  return ExitCode.ok;
}
