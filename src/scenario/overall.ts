// What must be true of many runs together, as a sentence: `caught in at least 99% of runs`, `p90 detection under 3m`.

import type { OverallClaim, OverallEvent } from "./compiled.js";
import type { Place } from "./findings.js";
import { adviseName } from "./nearest.js";
import { parseDuration, parseEuro, parsePercent } from "./units.js";

/** What may be counted, as people say it, and what it is. */
const EVENTS: Readonly<Record<string, OverallEvent>> = {
  passed: { kind: "passed" },
  caught: { kind: "classification", is: "caught" },
  late: { kind: "classification", is: "late" },
  missed: { kind: "classification", is: "missed" },
  clean: { kind: "classification", is: "clean" },
  undecided: { kind: "classification", is: "undecided" },
  "false rollbacks": { kind: "classification", is: "false-rollback" },
  "false rollback": { kind: "classification", is: "false-rollback" },
  promoted: { kind: "result", is: "promoted" },
  "rolled back": { kind: "result", is: "rolled-back" },
  "flag off": { kind: "result", is: "flag-off" },
  held: { kind: "result", is: "held" },
  "right action": { kind: "right-action" },
};

const TIMES = { detection: "detection", mitigation: "mitigation", restoration: "recovery" } as const;
const QUANTITIES = [...Object.keys(TIMES), "cost"];

const EXAMPLE = "write it like `caught in at least 99% of runs`, `false rollbacks under 1%` or `p90 detection under 3m`";

type Wrong = { readonly message: string; readonly instead: string };
type Read = Pick<OverallClaim, "event" | "side" | "share">;

/** Compiles one sentence; a release may stand before it, and must when the script has several. */
export function compileOverall(written: string, place: Place, releases: readonly string[]): OverallClaim | null {
  const said = written.trim().replace(/\s+/g, " ");
  const [first] = said.split(" ");
  const release = releases.includes(first) ? first : null;
  const read = readClaim(release === null ? said : said.slice(first.length + 1));
  if ("message" in read) {
    place.wrong(read.message, read.instead);
    return null;
  }
  if (release === null && releases.length !== 1 && read.event.kind !== "passed") {
    place.wrong(releases.length === 0 ? "the script has no release to count" : "which release? The script has several", releases.length === 0 ? "write `passed in at least 95% of runs`" : `write \`${releases[0]} ${said}\``);
    return null;
  }
  return { ...read, release: release ?? (read.event.kind === "passed" ? null : releases[0]), text: said, source: place.range };
}

function readClaim(text: string): Read | Wrong {
  const quantile = /^(?:p(\d{1,2}(?:\.\d+)?)|(median)) (\S+) (?:under|below|within|at most) (.+)$/.exec(text);
  if (quantile !== null) return readQuantile(quantile[2] === undefined ? Number(quantile[1]) / 100 : 0.5, quantile[3], quantile[4]);
  const share = /^(.+?)(?: in)? (at least|over|more than|at most|under|below|less than) ([\d.]+ ?%)(?: of (?:the |all )?(?:runs|seeds))?$/.exec(text);
  if (share === null) return { message: `\`${text}\` is no claim about many runs`, instead: EXAMPLE };
  const [, name, side, percent] = share;
  const words = name.replace(/-/g, " ");
  const event = Object.hasOwn(EVENTS, words) ? EVENTS[words] : undefined;
  if (event === undefined) return { message: `nothing is known as \`${name}\``, instead: adviseName(name, Object.keys(EVENTS), "things to count") };
  const parsed = parsePercent(percent);
  if (!parsed.ok) return parsed;
  if (parsed.value <= 0 || parsed.value >= 1) return { message: `no number of runs shows ${side} ${percent}`, instead: "write a share between 0% and 100%, like 99% or 1%" };
  return { event, side: side === "at least" || side === "over" || side === "more than" ? "at-least" : "at-most", share: parsed.value };
}

/** `p90 detection under 3m` counts runs: at least 90 % of them are detected in under 3 minutes; never is later than any limit. */
function readQuantile(share: number, quantity: string, limit: string): Read | Wrong {
  if (share <= 0) return { message: "a quantile is between p1 and p99.9", instead: EXAMPLE };
  if (quantity === "cost") {
    const euro = parseEuro(limit);
    return euro.ok ? { event: { kind: "cost-under", limit: euro.value }, side: "at-least", share } : euro;
  }
  const time = Object.entries(TIMES).find(([name]) => name === quantity)?.[1];
  if (time === undefined) return { message: `there is no time \`${quantity}\``, instead: adviseName(quantity, QUANTITIES, "times") };
  const micros = parseDuration(limit);
  return micros.ok ? { event: { kind: "time-under", time, limit: micros.value }, side: "at-least", share } : micros;
}
