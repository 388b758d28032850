// Reads what an effect acts on: `checkout/create-order`, `orders-db`, `checkout -> payments`, `zone 1`, `telemetry` ...

import type { PlatformCommand } from "../delivery/platform.js";
import type { EffectTarget } from "../world/effect.js";
import { adviseName } from "./nearest.js";
import type { WorldNames } from "./world-compile.js";

/** The names an effect may use. */
export interface TargetNames extends WorldNames {
  /** Every version that the service ever runs. */
  versions(service: string): readonly string[];
}

export type ParsedTarget =
  | { readonly ok: true; readonly target: EffectTarget }
  | { readonly ok: false; readonly message: string; readonly instead: string };

const COMMANDS: readonly PlatformCommand["kind"][] = ["deploy", "scale", "set-weight", "set-flag", "roll-back", "mark-stable", "page"];

const found = (target: EffectTarget): ParsedTarget => ({ ok: true, target });
const lost = (message: string, instead: string): ParsedTarget => ({ ok: false, message, instead });

export function parseTarget(written: string, names: TargetNames): ParsedTarget {
  const text = written.trim();
  const link = text.split("->");
  if (link.length === 2) return parseLink(link[0].trim(), link[1].trim(), names);
  const [word, ...rest] = text.split(/\s+/);
  const isName = names.services.includes(word) || names.databases.includes(word);
  if (!isName && rest.length <= 1) {
    const special = parseSpecial(word, rest[0], names);
    if (special !== null) return special;
  }
  const slash = text.indexOf("/");
  if (slash >= 0) return parseEndpoint(text.slice(0, slash), text.slice(slash + 1), names);
  if (names.services.includes(text)) return found({ on: "service", service: text });
  if (names.databases.includes(text)) return found({ on: "database", database: text });
  return lost(`there is no service or database \`${text}\``, adviseName(text, [...names.services, ...names.databases], "services and databases"));
}

/** Words that are no names of the user's: they lose against a service of the same name. */
function parseSpecial(word: string, argument: string | undefined, names: TargetNames): ParsedTarget | null {
  switch (word) {
    case "zone":
      return /^\d{1,3}$/.test(argument ?? "") ? found({ on: "zone", zone: Number(argument) }) : lost("which zone?", "write it like zone 1 (zones count from 0)");
    case "telemetry":
      return ofService(argument, names, (service) => ({ on: "telemetry", ...(service === undefined ? {} : { service }) }));
    case "traffic":
      return ofService(argument, names, (enters) => ({ on: "traffic", ...(enters === undefined ? {} : { enters }) }));
    case "flag-service":
      return found({ on: "flag-service" });
    case "platform":
      if (argument === undefined) return found({ on: "platform" });
      return (COMMANDS as readonly string[]).includes(argument) ? found({ on: "platform", command: argument }) : lost(`the platform has no command \`${argument}\``, adviseName(argument, COMMANDS, "commands"));
    default:
      return null;
  }
}

function ofService(service: string | undefined, names: TargetNames, target: (service: string | undefined) => EffectTarget): ParsedTarget {
  if (service === undefined || names.services.includes(service)) return found(target(service));
  return lost(`there is no service \`${service}\``, adviseName(service, names.services, "services"));
}

function parseLink(from: string, to: string, names: TargetNames): ParsedTarget {
  if (!names.services.includes(from)) return lost(`there is no service \`${from}\``, adviseName(from, names.services, "services"));
  const callees = [...names.services, ...names.databases];
  if (!callees.includes(to)) return lost(`there is no service or database \`${to}\``, adviseName(to, callees, "services and databases"));
  return found({ on: "link", from, to });
}

function parseEndpoint(service: string, endpoint: string, names: TargetNames): ParsedTarget {
  if (!names.services.includes(service)) return lost(`there is no service \`${service}\``, adviseName(service, names.services, "services"));
  const endpoints = names.endpoints(service);
  if (!endpoints.includes(endpoint)) return lost(`the service \`${service}\` has no endpoint \`${endpoint}\``, adviseName(endpoint, endpoints, "endpoints"));
  return found({ on: "service", service, endpoint });
}
