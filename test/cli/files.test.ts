// What may be read from the disk: inside the root, of a sane size, text. Nothing else, however it is named.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { foldersOutside, nodeFiles } from "../../src/cli/files.js";
import { renderProblems } from "../../src/cli/problems.js";
import { loadScenario } from "../../src/scenario/load.js";
import { CANARY, SHOP, SLOW_CHECKOUT, TRACE } from "../scenario/fixtures.js";

let base = "";
let project = "";

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "shakedown-files-"));
  project = join(base, "project");
  for (const folder of ["worlds", "strategies", "traces", "basics"]) mkdirSync(join(project, folder), { recursive: true });
  writeFileSync(join(project, "package.json"), "{}");
  writeFileSync(join(project, "worlds/shop.yaml"), SHOP);
  writeFileSync(join(project, "strategies/canary.yaml"), CANARY);
  writeFileSync(join(project, "traces/elb.csv"), TRACE);
  writeFileSync(join(project, "basics/slow.yaml"), SLOW_CHECKOUT);
  mkdirSync(join(base, "outside"));
  writeFileSync(join(base, "outside/world.yaml"), SHOP.replace("../traces", "../project/traces"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const errorOf = (path: string, root: string | null = project, allowPaths: readonly string[] = []): string => {
  const read = nodeFiles({ allowPaths }).read(path, root);
  return "error" in read ? `${read.error} | ${read.instead}` : "read";
};

describe("files of a project", () => {
  it("load a scenario with its world, strategy and trace", () => {
    expect(loadScenario(join(project, "basics/slow.yaml"), nodeFiles())).toMatchObject({ ok: true, value: { worldFile: join(project, "worlds/shop.yaml") } });
  });

  it("have the nearest marked ancestor as their root", () => {
    const files = nodeFiles();
    expect(files.root(join(project, "basics/slow.yaml"))).toMatch(/project$/);
    mkdirSync(join(project, "inner/deep"), { recursive: true });
    writeFileSync(join(project, "inner/shakedown.yaml"), "");
    expect(files.root(join(project, "inner/deep/x.yaml"))).toMatch(/inner$/);
  });

  it("may not refer outside of it, neither by dots nor by a symbolic link", () => {
    expect(errorOf(join(project, "../outside/world.yaml"))).toMatch(/outside the project's root .* \| move it inside, or add its folder with --allow-path DIR/);
    symlinkSync(join(base, "outside"), join(project, "link"));
    expect(errorOf(join(project, "link/world.yaml"))).toMatch(/outside the project's root/);
    expect(errorOf(join(project, "link/not-there.yaml"))).toMatch(/outside the project's root/);
    symlinkSync("/etc/passwd", join(project, "worlds/passwd.yaml"));
    expect(errorOf(join(project, "worlds/passwd.yaml"))).toMatch(/outside the project's root/);
    expect(errorOf(`${project}-twin/x.yaml`)).toMatch(/outside the project's root/);
  });

  it("name the folders outside that must be allowed, each once, the widest alone", () => {
    const entry = join(project, "basics/slow.yaml");
    expect(foldersOutside(entry, [join(project, "worlds/shop.yaml")])).toEqual([]);
    expect(foldersOutside(entry, ["outside/a.yaml", "outside/deep/b.yaml", "outside/c.yaml", "project/worlds/shop.yaml"].map((path) => join(base, path)))).toEqual([join(base, "outside")]);
  });

  it("may refer to a folder that --allow-path adds", () => {
    expect(errorOf(join(base, "outside/world.yaml"), project, [join(base, "outside")])).toBe("read");
    expect(errorOf(join(base, "outside-too/world.yaml"), project, [join(base, "outside")])).toMatch(/outside the project's root/);
  });
});

describe("a file that can't be a scenario", () => {
  it("of 50 MB is refused before it is read", () => {
    const path = join(project, "huge.yaml");
    writeFileSync(path, "");
    truncateSync(path, 50_000_000);
    const started = performance.now();
    expect(errorOf(path)).toMatch(/too large: 50\.0 MB, and 1 MB is the most/);
    expect(performance.now() - started).toBeLessThan(50);
  });

  it("is a folder, a device, or not there; the nearest name is offered", () => {
    expect(errorOf(join(project, "worlds"))).toMatch(/this is a folder/);
    expect(errorOf("/dev/zero", null)).toMatch(/this is no plain file/);
    expect(errorOf(join(project, "worlds/shp.yaml"))).toMatch(/there is no file .*shp\.yaml \| write shop\.yaml$/);
    expect(errorOf(join(project, "nowhere/shop.yaml"))).toMatch(/there is no file .* counts from the file that names it$/);
    expect(errorOf(join(project, "nowhere/shop.yaml"), null)).toMatch(/there is no file .* counts from the folder you are in$/);
    expect(errorOf(join(project, "a\0b"))).toMatch(/NUL/);
  });

  it("is a symbolic link to nowhere: its own name is no advice", () => {
    symlinkSync("nowhere", join(project, "worlds/dangling.yaml"));
    expect(errorOf(join(project, "worlds/dangling.yaml"))).toMatch(/^the symbolic link leads to no file: .*dangling\.yaml \| mend the link, or name the file itself$/);
  });

  it("is noise, not UTF-8", () => {
    const path = join(project, "noise.yaml");
    writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3]));
    expect(errorOf(path)).toMatch(/not text in UTF-8/);
    expect(loadScenario(path, nodeFiles())).toMatchObject({ ok: false, problems: [{ file: path, line: 1, column: 1 }] });
  });
});

describe("problems for people", () => {
  const broken = () => {
    const path = join(project, "basics/broken.yaml");
    writeFileSync(path, SLOW_CHECKOUT.replace("seed: 7", "sede: 7"));
    const result = loadScenario(path, nodeFiles());
    return result.ok ? [] : result.problems;
  };

  it("show place, frame, what is wrong and what to write, without colour too", () => {
    expect(renderProblems(broken(), { color: false }).split("\n")).toEqual([
      `${join(project, "basics/broken.yaml")}:6:1 error unknown key \`sede\``,
      "    4 | name: slow-new-checkout",
      "    5 | about: The new checkout is slow under load; switching its flag off is enough.",
      "  > 6 | sede: 7",
      "      | ^^^^",
      "    7 | for: 2h",
      "  instead: write `seed`",
      "",
      "1 problem",
    ]);
    expect(renderProblems(broken(), { color: true })).toContain("\u001b[");
  });

  it("let no file steer the terminal", () => {
    const [problem] = broken();
    expect(renderProblems([{ ...problem, message: "\u001b[2Jgone" }], { color: false })).not.toContain("\u001b");
  });
});
