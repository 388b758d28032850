// The recommended strategy as a file: the user's own with a few fields changed, and comments that say why.

import { stringify } from "yaml";

import type { Bundle } from "../bundle.js";
import { textIn } from "../bundle.js";
import { fieldOf, placeOf, setInText } from "../variant.js";

export interface RecommendedChange {
  readonly path: string;
  readonly from: string;
  readonly to: string;
}

/** The strategy of a bundle as the text of a file of its own. */
export function strategyText(bundle: Bundle): string {
  const place = placeOf(bundle, "strategy.steps");
  if (place.ok && place.value.file !== bundle.entry) return textIn(bundle, place.value.file) ?? "";
  const inline = fieldOf(bundle, "scenario.strategy");
  return stringify({ shakedown: 1, kind: "strategy", ...(typeof inline === "object" && inline !== null ? inline : {}) }, { lineWidth: 0 });
}

/** The file's text: what was found in comments, then the strategy. */
export function recommendedText(bundle: Bundle, changes: readonly RecommendedChange[], why: readonly string[]): string {
  const text = strategyText(bundle).replace(/^# yaml-language-server:.*\n/, "");
  const name = /^name:\s*(.+?)\s*$/m.exec(text)?.[1] ?? "strategy";
  const renamed = setInText(text, ["name"], `${name.replace(/^["']|["']$/g, "")}-tuned`);
  const described = setInText(renamed, ["about"], `Found by shakedown tune from ${name}; the comment above says what for.`);
  const changed = changes.filter(({ from, to }) => from !== to);
  const comment = [
    "Found by shakedown tune.", ...why, "",
    ...(changed.length === 0 ? ["Nothing is changed: the strategy as it was does best."] : ["Changed:", ...changed.map(({ path, from, to }) => `  ${path}: ${from === "" ? "not written" : from} -> ${to}`)]),
  ];
  return `${comment.map((line) => `# ${line.replace(/[\r\n]+/g, " ")}`.trimEnd()).join("\n")}\n${described}`;
}
