// `shakedown new`: a commented scenario to start from.

import { existsSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { fileWord } from "../../report/lab/replay.js";
import { scenarioTemplate } from "../../scenario/template.js";
import { writeWhole } from "../artifacts.js";
import { ExitCode, UsageError } from "../exit.js";
import type { Terminal } from "../terminal.js";

/** The schema that ships with the package, from dist/cli/commands. */
const SCHEMA_FILE = fileURLToPath(new URL("../../../scenarios.schema.json", import.meta.url));

export function newCommand(path: string, flags: { readonly force?: boolean }, terminal: Terminal): ExitCode {
  const file = /\.ya?ml$/.test(path) ? path : `${path}.yaml`;
  if (existsSync(file) && flags.force !== true) {
    throw new UsageError(`${file}: exists already; choose another name, or add --force`);
  }
  const name = basename(file).replace(/\.ya?ml$/, "");
  const schema = relative(dirname(resolve(file)), SCHEMA_FILE);
  writeWhole(file, scenarioTemplate({ name, schema }));
  terminal.print(`${file}\nnext: shakedown run ${fileWord(file)}`);
  return ExitCode.ok;
}
