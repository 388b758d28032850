// A build is known by the code that plays: any change of it is another build, and nothing else is.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildWords, codeDigest, sameBuild, thisBuild } from "../../src/lab/build.js";
import { ROOT } from "./support/bundles.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shakedown-build-"));
  cpSync(join(ROOT, "dist"), folder, { recursive: true, filter: (path) => !path.endsWith(".d.ts") });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const digest = (): string | null => codeDigest(pathToFileURL(`${folder}/`));
const changed = (path: string): string | null => {
  const file = join(folder, path);
  const text = readFileSync(file, "utf8");
  writeFileSync(file, `${text}// changed\n`);
  const now = digest();
  writeFileSync(file, text);
  return now;
};

describe("a build", () => {
  it("is named by version, code, model and rows, also where the sources run", () => {
    expect(buildWords(thisBuild())).toMatch(/^shakedown \d+\.\d+\.\d+\+[0-9a-f]{12}, model \d+, rows \d+$/);
    expect(thisBuild().package.split("+")[1]).toBe(digest());
  });

  it("is another one when any file changed that a run is played by", () => {
    const digests = ["lab/play.js", "lab/run-row.js", "sim/run.js", "world/cohort/cohort-world.js", "world/request/request-world.js", "delivery/canary.js", "engines/alerts.js", "telemetry/scraper.js", "kernel/digest.js", "scenario/load.js"].map(changed);
    expect(new Set([...digests, digest()]).size).toBe(digests.length + 1);
    expect(sameBuild(thisBuild(), { ...thisBuild(), package: `0.1.0+${String(digests[0])}` })).toBe(false);
  });

  it("stays the same one when reports and commands changed, or an older build's files lie about", () => {
    const before = digest();
    expect(["cli/main.js", "report/html.js"].map(changed)).toEqual([before, before]);
    writeFileSync(join(folder, "world/gone.js"), "// of a source that is no more\n");
    expect(digest()).toBe(before);
  });

  it("has no code where nothing was built", () => {
    expect(codeDigest(pathToFileURL(join(folder, "nowhere/")))).toBeNull();
  });
});
