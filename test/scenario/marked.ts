// Edited project files whose problems must stand at marks of the text.

import { expect } from "vitest";

import { CANARY, edit, problemsOf, SHOP, SLOW_CHECKOUT, TRACE } from "./fixtures.js";

export const SCENARIO = "/p/basics/slow.yaml";
export const WORLD = "/p/worlds/shop.yaml";
export const STRATEGY = "/p/strategies/canary.yaml";
export const ELB = "/p/traces/elb.csv";

type Edit = readonly [from: string, to: string];

/** Marks the expected place of a problem in a test's text; taken out before the text is read. */
export const MARK = "‸";

/**
 * Edits one of the project's files, and gives what is said as `message | instead`. Each problem must stand at a
 * mark of the edited text, in order.
 */
export function after(file: string, ...edits: readonly Edit[]): readonly string[] {
  const text = { [SCENARIO]: SLOW_CHECKOUT, [WORLD]: SHOP, [STRATEGY]: CANARY, [ELB]: TRACE }[file] ?? "";
  return marked(file, edits.reduce((edited, [from, to]) => edit(edited, from, to), text));
}

/** Like `after`, for a whole text. */
export function marked(file: string, text: string): readonly string[] {
  const places = text.split("\n").flatMap((line, index) =>
    line.split(MARK).slice(0, -1).map((_, mark) => `${index + 1}:${line.split(MARK).slice(0, mark + 1).join("").length + 1}`));
  const problems = problemsOf({ [file]: text.replaceAll(MARK, "") });
  for (const problem of problems) expect(problem.file).toBe(file);
  const messages = problems.map(({ message, instead }) => `${message} | ${instead}`);
  expect(problems.map(({ line, column }) => `${line}:${column}`), messages.join("\n")).toEqual(places);
  return messages;
}

/** What is said of texts whose places do not matter here. */
export function said(changes: Readonly<Record<string, string>>): readonly string[] {
  return problemsOf(changes).map(({ line, column, message, instead }) => `${line}:${column} ${message} | ${instead}`);
}
