// `shakedown schema`: prints or writes the JSON Schema that editors complete and check scenario files with.

import { scenarioJsonSchema } from "../../scenario/json-schema.js";
import { writeWhole } from "../artifacts.js";
import { ExitCode } from "../exit.js";
import type { Terminal } from "../terminal.js";

export function schemaCommand(flags: { readonly out?: string }, terminal: Terminal): ExitCode {
  const text = `${JSON.stringify(scenarioJsonSchema(), null, 2)}`;
  if (flags.out === undefined) terminal.print(text);
  else writeWhole(flags.out, `${text}\n`);
  return ExitCode.ok;
}
