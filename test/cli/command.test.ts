// The command as a user runs it: exit codes, what it prints, what it leaves on disk.

import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const COMMAND = join(ROOT, "dist/cli/main.js");

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "shakedown-cli-"));
  writeFileSync(join(folder, "package.json"), "{}");
  cpSync(join(ROOT, "scenarios"), join(folder, "scenarios"), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const shakedown = (...args: readonly string[]): Promise<Ended> => shakedownWith({}, ...args);

function shakedownWith(environment: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args], { cwd: folder, env: { ...process.env, NO_COLOR: "1", ...environment }, maxBuffer: 64 * 1024 * 1024 }, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, out, err });
    });
  });
}

function scenario(name: string, change: (text: string) => string): string {
  const text = readFileSync(join(ROOT, "scenarios/basics/error-spike.yaml"), "utf8");
  const path = join("scenarios/basics", `${name}.yaml`);
  writeFileSync(join(folder, path), change(text.replace("name: error-spike", `name: ${name}`).replace("for: 45m", "for: 20m")));
  return path;
}

describe("run", () => {
  it("prints the summary without colour codes and leaves outcome, report, Markdown and charts", async () => {
    const { code, out } = await shakedown("run", scenario("spike", (text) => text));
    expect(code).toBe(0);
    expect(out).toContain("caught");
    expect(out).not.toContain("\u001b[");
    const place = join(folder, "shakedown-out/spike/7");
    expect(readdirSync(place).sort()).toEqual(["charts", "outcome.json", "report.html", "report.md"]);
    expect(readdirSync(join(place, "charts")).every((name) => name.endsWith(".svg"))).toBe(true);
  });

  it("ends with 1 when an expectation fails, and says what was found instead", async () => {
    const path = scenario("fails", (text) => text.replace("classification: caught", "classification: clean"));
    const { code, out } = await shakedown("run", path);
    expect(code).toBe(1);
    expect(out).toContain("classification is caught, not clean");
  });

  it("prints one outcome per line with --json, the same bytes each time, and writes nothing", async () => {
    const args = ["run", scenario("lines", (text) => text), "--json", "--seeds", "1..2", "--out", "nowhere"];
    const [first, second] = [await shakedown(...args), await shakedown(...args)];
    expect(first.out).toBe(second.out);
    expect(first.out.trim().split("\n").map((line) => (JSON.parse(line) as { seed: number }).seed)).toEqual([1, 2]);
    expect(existsSync(join(folder, "nowhere"))).toBe(false);
  });

  it("gives each scenario the same outcomes whatever the order of the files", async () => {
    const [a, b] = [scenario("order-a", (text) => text), scenario("order-b", (text) => text.replace("errors: +20%", "errors: +10%"))];
    const lines = async (...files: string[]) => (await shakedown("run", ...files, "--json")).out.trim().split("\n").sort();
    expect(await lines(a, b)).toEqual(await lines(b, a));
  });

  it("keeps finished seeds when it is interrupted", async () => {
    const path = scenario("endless", (text) => text);
    const child = spawn(process.execPath, [COMMAND, "run", path, "--seeds", "1..5000"], { cwd: folder, stdio: "ignore" });
    const place = join(folder, "shakedown-out/endless");
    const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
    await until(() => existsSync(join(place, "3/outcome.json")));
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    const kept = readdirSync(place).filter((name) => /^\d+$/.test(name));
    for (const seed of kept) JSON.parse(readFileSync(join(place, seed, "outcome.json"), "utf8"));
    expect(kept.length).toBeGreaterThanOrEqual(3);
    expect(readFileSync(join(place, "summary.txt"), "utf8")).toMatch(/interrupted +\d+ of 5,000 seeds done/);
  });

  it("hears an interrupt between two scenarios with --json too", async () => {
    const paths = Array.from({ length: 40 }, (_, k) => scenario(`one-of-many-${k}`, (text) => text));
    const child = spawn(process.execPath, [COMMAND, "run", ...paths, "--json"], { cwd: folder, stdio: ["ignore", "pipe", "ignore"] });
    let lines = 0;
    child.stdout.on("data", (chunk: Buffer) => (lines += chunk.toString("utf8").split("\n").length - 1));
    // Only one: when the command has begun to end, the next would end it at once, as it would without us.
    child.stdout.once("data", () => child.kill("SIGINT"));
    expect(await new Promise<number | null>((resolve) => child.on("exit", resolve))).toBe(130);
    expect(lines).toBeLessThan(paths.length);
  });

  it("refuses wrong flags and an unwritable folder in one line, exit code 2", async () => {
    const path = scenario("flags", (text) => text);
    writeFileSync(join(folder, "a-file"), "");
    const cases: [string[], string][] = [
      [["--seeds", "9..1"], "runs backwards; write 1..9"],
      [["--seed", "x"], "write a whole number"],
      [["--fidelity", "exact"], "write request or cohort"],
      [["--out", "a-file"], "cannot be written"],
      [["--out", "/proc/nowhere"], "cannot be written"],
    ];
    for (const [flags, said] of cases) {
      const { code, err } = await shakedown("run", path, ...flags);
      expect([code, err.trim().split("\n").length, err.includes(said)]).toEqual([2, 1, true]);
    }
  });

  it("shows every problem of a file with line, column and advice, and runs nothing", async () => {
    const path = scenario("broken", (text) => text.replace("objectives:", "objectivs:").replace("for: 20m", "for: 20").replace("service: checkout", "service: chekout"));
    const { code, err, out } = await shakedown("run", path);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toMatch(/broken\.yaml:7:6 .*`20` has no unit/);
    expect(err).toMatch(/broken\.yaml:10:1 .*unknown key `objectivs`/);
    expect(err).toMatch(/broken\.yaml:14:16 .*there is no service `chekout`/);
    expect(err).toContain("write 20m, not 20");
    expect(err).toContain("write `objectives`");
    expect(err).not.toContain("    at ");
  });

  it("takes the scenarios of a folder and passes over worlds, strategies and other people's YAML", async () => {
    mkdirSync(join(folder, "mixed"), { recursive: true });
    writeFileSync(join(folder, "mixed/compose.yaml"), "services: { web: { image: x } }\n");
    cpSync(join(folder, "scenarios/worlds/small-shop.yaml"), join(folder, "mixed/world.yaml"));
    expect((await shakedown("validate", "mixed")).err).toContain("no scenario in this folder");
    const { code, out } = await shakedown("validate", "scenarios/rollback");
    expect(code).toBe(0);
    expect(out.trim().split("\n").every((line) => line.startsWith("ok  "))).toBe(true);
  });
});

describe("explain and report", () => {
  it("say in words why each decision was taken, and build the very same report again", async () => {
    await shakedown("run", scenario("again", (text) => text));
    const place = join(folder, "shakedown-out/again/7");
    const { code, out } = await shakedown("explain", place);
    expect(code).toBe(0);
    expect(out).toContain("error rate of checkout v2");
    const before = readFileSync(join(place, "report.html"), "utf8");
    rmSync(join(place, "report.html"));
    expect((await shakedown("report", place)).code).toBe(0);
    expect(readFileSync(join(place, "report.html"), "utf8")).toBe(before);
  });

  it.runIf(process.platform === "linux")("open the report from disk: the browser is given the file and nothing else", async () => {
    await shakedown("run", scenario("opened", (text) => text));
    const given = join(folder, "given.txt");
    const browser = join(folder, "browser.sh");
    writeFileSync(browser, `#!/bin/sh\necho "$@" > ${given}.part && mv ${given}.part ${given}\n`, { mode: 0o755 });
    const { code } = await shakedownWith({ BROWSER: browser, DISPLAY: "", WAYLAND_DISPLAY: "", XDG_CURRENT_DESKTOP: "", DESKTOP_SESSION: "" }, "report", "shakedown-out/opened/7", "--open");
    expect(code).toBe(0);
    await until(() => existsSync(given));
    expect(readFileSync(given, "utf8").trim()).toBe(realpathSync(join(folder, "shakedown-out/opened/7/report.html")));
  });

  it("refuse what is not an outcome, in one line", async () => {
    writeFileSync(join(folder, "other.json"), '{"schemaVersion": 99}');
    writeFileSync(join(folder, "noise.json"), "\u0000\u0001");
    for (const file of ["other.json", "noise.json", "missing.json"]) {
      const { code, err } = await shakedown("explain", file);
      expect([code, err.trim().split("\n").length]).toEqual([2, 1]);
    }
  });
});

describe("new and schema", () => {
  it("write a scenario that runs as it is, and do not overwrite one", async () => {
    expect((await shakedown("new", "scenarios/mine")).code).toBe(0);
    expect(readFileSync(join(folder, "scenarios/mine.yaml"), "utf8")).toContain("yaml-language-server: $schema=");
    expect((await shakedown("run", "scenarios/mine.yaml")).code).toBe(0);
    expect(await shakedown("new", "scenarios/mine.yaml")).toMatchObject({ code: 2, err: expect.stringContaining("--force") as string });
  });

  it("print the committed schema", async () => {
    const { out } = await shakedown("schema");
    expect(out).toBe(readFileSync(join(ROOT, "scenarios.schema.json"), "utf8"));
  });
});

describe("the README", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");

  it("leads a stranger through the first scenario: every command as printed ends well", async () => {
    const lines = readme.split("\n").filter((line) => line.startsWith("npx shakedown "));
    expect(lines.length).toBeGreaterThanOrEqual(4);
    rmSync(join(folder, "scenarios/mine.yaml"), { force: true });
    for (const line of lines) {
      const words = line.replace(/#.*/, "").trim().split(/\s+/).slice(2);
      expect([line, (await shakedown(...words)).code]).toEqual([line, 0]);
    }
  });

  it("says that --json writes no files", () => {
    expect(readme.split("\n").find((line) => line.startsWith("| `run FILES`"))).toMatch(/`--json` \([^)]*writes no files\)/);
  });

  it("shows a scenario that is valid as it stands", async () => {
    const yaml = /```yaml\n([^]*?)```/.exec(readme)?.[1] ?? "";
    writeFileSync(join(folder, "scenarios/from-readme.yaml"), yaml);
    expect(await shakedown("validate", "scenarios/from-readme.yaml")).toMatchObject({ code: 0, err: "" });
  });
});

describe("the command line itself", () => {
  it("suggests the nearest command, prints its version, and survives a reader that leaves early", async () => {
    expect(await shakedown("rum")).toMatchObject({ code: 2, err: expect.stringContaining("run") as string });
    expect((await shakedown("--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await shakedown("--help")).code).toBe(0);
  });
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600 && !holds(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(holds()).toBe(true);
}
