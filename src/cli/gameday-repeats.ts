// `npm run gameday:repeats`: plays the shipped game days again and again, and writes down how often the simulator was right.

import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { makeFolder } from "../lab/storage/folder.js";
import { setInText } from "../lab/variant.js";
import type { PredictedReport } from "../lab/predict/prediction.js";
import type { QualityWindow } from "../live/gameday/quality.js";
import { repeatsMarkdown, type Repeat, type RepeatedScenario } from "../report/predict/repeats.js";
import type { Outcome } from "../sim/outcome.js";

const SCENARIOS = "scenarios/game-days";
const WORLD = "scenarios/worlds/kiosk.yaml";
const STRATEGY = "scenarios/strategies/canary-minute.yaml";
const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));
/** Repeats are other runs: seeds of a scenario lie this far apart. */
const SEED_STEP = 100;
/** At this rate its replicas are half busy, and a stretch of this length is of 20,000 requests and more. */
const STEADY = { rate: "140rps", for: "180s", seed: 21 } as const;

interface Options {
  readonly repeats: string;
  readonly only?: string;
  readonly atOnce: string;
  readonly out: string;
  readonly report: string;
}

function optionsOf(argv: readonly string[]): Options {
  return new Command("gameday:repeats")
    .option("--repeats <n>", "how often each scenario is played", "20")
    .option("--only <text>", "only scenarios whose name has this in it")
    .option("--at-once <n>", "game days played side by side, in step; each takes about a quarter of a core, and marks what it could not measure", "1")
    .option("--out <dir>", "where the game days go; those that are there already are not played again", "shakedown-out/repeats")
    .option("--report <file>", "the table", "reports/game-days.md")
    .parse([...argv]).opts<Options>();
}

/** Runs `shakedown` in a process of its own, as a user does; its words go to a log. */
function shakedown(args: readonly string[], log: string): Promise<number> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    const said: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => said.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
    child.on("error", failed);
    child.on("exit", (code) => {
      writeFileSync(log, Buffer.concat(said));
      done(code ?? 3);
    });
  });
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function calibrated(world: string, out: string): Promise<string> {
  const file = join(out, `${basename(world, ".yaml")}-calibrated.yaml`);
  if (existsSync(file)) return file;
  say(`calibrating ${world}`);
  const code = await shakedown(["calibrate", world, "--yes", "--out", file, "--game-days", out, "--allow-path", "scenarios"], join(out, "calibrate.log"));
  if (code !== 0) throw new Error(`calibrating ${world} ended with exit ${code}: see ${join(out, "calibrate.log")}`);
  return file;
}

/** Plays a scenario with --predict, unless that was done before; null when it left nothing to compare. */
async function play(file: string, world: string, folder: string): Promise<Repeat | null> {
  const known = readRepeat(folder);
  if (known !== null) return known;
  rmSync(folder, { recursive: true, force: true });
  makeFolder(folder);
  const code = await shakedown(["gameday", file, "--yes", "--predict", "--calibrated", world, "--out", folder, "--allow-path", "scenarios", "--allow-path", dirname(world)], join(folder, "said.log"));
  const repeat = readRepeat(folder);
  say(`${basename(folder)}: exit ${code}${repeat === null ? `, nothing to compare: see ${join(folder, "said.log")}` : ""}`);
  return repeat;
}

const json = <Shape>(path: string): Shape => JSON.parse(readFileSync(path, "utf8")) as Shape;

function readRepeat(folder: string): Repeat | null {
  const days = join(folder, "gamedays");
  const [id] = existsSync(days) ? readdirSync(days) : [];
  if (id === undefined || !existsSync(join(days, id, "predicted.json"))) return null;
  const { passed, seed, expectations } = json<Outcome>(join(days, id, "outcome.json"));
  return {
    seed, passed, failed: expectations.filter((each) => !each.passed).map(({ text }) => text),
    report: json<PredictedReport>(join(days, id, "predicted.json")),
    quality: json<{ readonly windows: readonly QualityWindow[] }>(join(days, id, "quality.json")).windows,
  };
}

/** The shipped scenario with another seed, beside its repeats. */
function withSeed(file: string, number: number, out: string): string {
  const text = readFileSync(file, "utf8");
  const seed = Number(/^seed: (\d+)$/m.exec(text)?.[1] ?? 1) + SEED_STEP * (number - 1);
  const changes: readonly (readonly [string, unknown])[] = [["seed", seed], ["world", resolve(WORLD)], ["strategy", resolve(STRATEGY)]];
  const copy = join(out, `${basename(file, ".yaml")}-${number}.yaml`);
  writeFileSync(copy, changes.reduce((changed, [key, value]) => setInText(changed, [key], value), text));
  return copy;
}

/** A world at a higher rate, and a scenario on it in which nothing happens. */
function steadyFiles(out: string): { readonly scenario: string; readonly world: string } {
  const world = join(out, "kiosk-busy.yaml");
  writeFileSync(world, setInText(readFileSync(WORLD, "utf8"), ["traffic", "rate"], STEADY.rate));
  const scenario = join(out, "steady.yaml");
  writeFileSync(scenario, [
    "shakedown: 1", "kind: scenario", "name: steady", "about: Nothing happens.", `seed: ${STEADY.seed}`, `for: ${STEADY.for}`,
    `world: ${resolve(world)}`, `strategy: ${resolve(STRATEGY)}`, "objectives: { error-rate: 2%, p95: 400ms }", "",
  ].join("\n"));
  return { scenario, world };
}

const folderOf = ({ name, number }: { readonly name: string; readonly number: number }): string => `${basename(name, ".yaml")}-${number}`;

function wholeNumber(flag: string, text: string, least: number): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least) throw new Error(`${flag} ${text}: write a whole number from ${least} on`);
  return number;
}

async function main(): Promise<void> {
  const { repeats: asked, only = "", atOnce: lanes, out, report } = optionsOf(process.argv);
  const repeats = wholeNumber("--repeats", asked, 0);
  const atOnce = wholeNumber("--at-once", lanes, 1);
  makeFolder(out);
  const began = performance.now();
  const steady = steadyFiles(out);
  const stretch = await play(steady.scenario, await calibrated(steady.world, out), join(out, "steady"));
  const world = await calibrated(WORLD, out);
  const names = readdirSync(SCENARIOS).filter((name) => name.endsWith(".yaml") && name.includes(only)).sort();
  const turns = names.flatMap((name) => Array.from({ length: repeats }, (_, k) => ({ name, number: k + 1 })));
  const played = new Map<string, Repeat>();
  const table = (): string => {
    const all = names.map((name): RepeatedScenario => ({ name: basename(name, ".yaml"), repeats: turns.flatMap((turn) => (turn.name === name ? (played.get(folderOf(turn)) ?? []) : [])) }));
    return repeatsMarkdown({ scenarios: all.filter((each) => each.repeats.length > 0), steady: stretch, asked: repeats, atOnce });
  };
  // In step, and mostly of one scenario: no game day's processes start or write their report while another is measured.
  for (let first = 0; first < turns.length; first += atOnce) {
    await Promise.all(turns.slice(first, first + atOnce).map(async (turn) => {
      const repeat = await play(withSeed(join(SCENARIOS, turn.name), turn.number, out), world, join(out, folderOf(turn)));
      if (repeat !== null) played.set(folderOf(turn), repeat);
    }));
    if (played.size > 0) writeFileSync(report, table());
  }
  say(`${report}: ${Math.round((performance.now() - began) / 60_000)} min`);
}

await main();
