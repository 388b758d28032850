// The CI examples are valid YAML with commands that work: their scripts are run by a shell, with our build as `npx shakedown`.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { ROOT } from "./support/bundles.js";
import { tinyText } from "./support/tiny.js";

interface GitHub {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly { readonly run?: string; readonly uses?: string }[] }>>;
}
interface GitLab {
  readonly shakedown: { readonly script: readonly string[]; readonly artifacts: { readonly reports: { readonly junit: string } } };
}

const example = (name: string): unknown => parse(readFileSync(join(ROOT, "docs/ci", name), "utf8"));

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "shakedown-ci-"));
  writeFileSync(join(folder, "package.json"), "{}");
  mkdirSync(join(folder, "scenarios"));
  writeFileSync(join(folder, "scenarios/tiny.yaml"), tinyText());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs lines as CI's shell does, in order, until one fails. */
function shell(lines: readonly string[]): { readonly code: number | null; readonly output: string } {
  const npx = `npx() { shift; "${process.execPath}" "${join(ROOT, "dist/cli/main.js")}" "$@"; }`;
  const { status, stdout, stderr } = spawnSync("bash", ["-e", "-c", [npx, ...lines].join("\n")], { cwd: folder, encoding: "utf8", env: { ...process.env, NO_COLOR: "1", GITHUB_STEP_SUMMARY: join(folder, "summary.md") } });
  return { code: status, output: stdout + stderr };
}

it("GitHub Actions: the commands run, and leave what the later steps take", () => {
  const { jobs } = example("github-actions.yaml") as GitHub;
  const { steps } = jobs["delivery-strategy"];
  expect(steps.every(({ run, uses }) => (run === undefined) !== (uses === undefined))).toBe(true);
  const [test, compare, show] = steps.flatMap(({ run }) => (run === undefined || run === "npm ci" ? [] : [run]));
  const ran = shell([test, "npx shakedown test scenarios --seeds 1..10 --against shakedown-baseline.json --update", compare, show]);
  expect(ran.output).toContain("::notice title=shakedown::1 scenario: 1 passed");
  expect(ran.code).toBe(0);
  expect(readFileSync(join(folder, "summary.md"), "utf8")).toContain("## ✓ shakedown");
});

it("GitLab CI: the script runs with and without a baseline, and leaves the report that is collected", () => {
  const { shakedown } = example("gitlab-ci.yaml") as GitLab;
  rmSync(join(folder, "shakedown-baseline.json"), { force: true });
  expect(shell(shakedown.script).code).toBe(0);
  expect(existsSync(join(folder, shakedown.artifacts.reports.junit))).toBe(true);
  writeFileSync(join(folder, "scenarios/tiny.yaml"), tinyText({ expect: "classification: clean" }));
  expect(shell(shakedown.script).code).toBe(1);
});
