// Shows problems in a user's files to people: where, the lines around it, what is wrong and what to write instead.

import pc from "picocolors";

import type { Problem } from "../scenario/problem.js";

/** The problems as text, one block each, with a count at the end; it reads the same without colour. */
export function renderProblems(problems: readonly Problem[], options: { readonly color: boolean }): string {
  const colors = pc.createColors(options.color);
  const blocks = problems.map((problem) => {
    const where = colors.bold(`${problem.file}:${problem.line}:${problem.column}`);
    const lines = [`${where} ${colors.red("error")} ${oneLine(problem.message)}`];
    if (problem.frame !== "") lines.push(...problem.frame.split("\n").map((line) => `  ${line.startsWith(">") ? line : colors.dim(line)}`));
    if (problem.instead !== null) lines.push(`  ${colors.green("instead:")} ${oneLine(problem.instead)}`);
    return lines.join("\n");
  });
  const count = `${problems.length} ${problems.length === 1 ? "problem" : "problems"}`;
  return [...blocks, count].join("\n\n");
}

/** What a user's file holds must not steer the terminal. */
// eslint-disable-next-line no-control-regex
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, " ");
