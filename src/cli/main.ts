#!/usr/bin/env node
// The `shakedown` command: reads the command line, hands over to one command, and turns its end into an exit code.

import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { InternalError } from "../kernel/assert.js";
import { StorageError } from "../lab/storage/storage-error.js";
import { RedisTrouble } from "../lab/redis/trouble.js";
import { ExitCode, messageOf, UsageError } from "./exit.js";
import { readers } from "./readers.js";
import { processTerminal } from "./terminal.js";

const terminal = processTerminal();
const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Each command is imported when it is called, so that `--help` starts at once. */
function program(end: (code: ExitCode) => void): Command {
  const root = new Command("shakedown")
    .description("A trial run for your delivery strategy: simulate releases, faults and rollbacks before production does.")
    .version(version())
    .showSuggestionAfterError()
    .exitOverride();
  root
    .command("run")
    .description("play scenarios, print what happened and why, write outcomes and reports")
    .argument("<targets...>", "scenario files, folders or globs")
    .option("--seed <n>", "one seed instead of the scenario's own")
    .option("--seeds <range>", "many seeds, e.g. 1..50; their outcomes carry no charts and no regret")
    .option("--fidelity <name>", "request (every request walks) or cohort (counts per tick)")
    .option("--out <dir>", "where outcomes and reports go", "shakedown-out")
    .option("--json", "print one Outcome per line instead, write nothing")
    .option("--open", "open the report in the browser")
    .option("--allow-path <dir>", "a folder outside the project that files may refer to", collect, [])
    .action(async (targets, flags) => end(await (await import("./commands/run.js")).runCommand(targets, flags, terminal)));
  root
    .command("validate")
    .description("check scenario files without running them")
    .argument("<targets...>", "scenario files, folders or globs")
    .option("--fidelity <name>", "check for request or cohort instead of the scenario's own")
    .option("--allow-path <dir>", "a folder outside the project that files may refer to", collect, [])
    .action(async (targets, flags) => end((await import("./commands/validate.js")).validateCommand(targets, flags, terminal)));
  root
    .command("test")
    .description("play scenarios over many seeds and say which hold: for CI")
    .argument("<targets...>", "scenario files, folders or globs")
    .option("--seeds <range>", "e.g. 1..500; 1..20 when left out, or until claims about many runs are sure")
    .option("--stop-early", "end a scenario before its last seed when every verdict is certain")
    .option("--fidelity <name>", "request or cohort instead of the scenario's own")
    .option("--workers <n>", "worker threads; all cores when left out")
    .option("--reporter <name[:file]>", "pretty, junit, github, tap, json or markdown; several with files", collect, [])
    .option("--against <file>", "compare with this baseline on the same seeds, and fail if worse beyond noise")
    .option("--update", "store the baseline named by --against")
    .option("--accept-model-change", "compare with a baseline of another model version all the same")
    .option("--watch", "test again when a file changes")
    .option("--out <dir>", "where finished runs are kept when there are many", "shakedown-out/test")
    .option("--resume", "go on with what an interrupted or killed test left in --out, and play only the rest")
    .option("--allow-path <dir>", "a folder outside the project that files may refer to", collect, [])
    .action(async (targets, flags) => end(await (await import("./commands/test.js")).testCommand(targets, flags, terminal)));
  const sweep = root
    .command("sweep")
    .description("play a scenario over settings of its fields, and keep a row per run to ask questions of")
    .argument("[scenario...]", "one scenario file")
    .option("--set <path=values>", "a field and its values: a..b/n, a..b/n log, or a,b,c; again for further fields", collect, [])
    .option("--seeds <range>", "seeds of each setting", "1..20")
    .option("--design <name>", "grid, random, latin-hypercube or sobol", "grid")
    .option("--points <n>", "settings of a design that samples")
    .option("--design-seed <n>", "another sample of random and latin-hypercube", "1")
    .option("--healthy", "play each setting also with the defects taken out: for false rollbacks and the ROC curve")
    .option("--fidelity <name>", "request or cohort instead of the scenario's own")
    .option("--workers <n>", "worker threads; all cores when left out")
    .option("--out <dir>", "where rows and report go", "shakedown-out/sweep")
    .option("--resume", "go on with an interrupted sweep")
    .option("--allow-path <dir>", "a folder outside the project that files may refer to", collect, [])
    .action(async (targets, flags) => end(await (await import("./commands/sweep.js")).sweepCommand(targets, flags, terminal)));
  sweep
    .command("query")
    .description("ask a sweep's rows in SQL: one view `runs`, a row per run and release")
    .argument("<dir>", "the sweep's folder")
    .argument("<sql>", 'e.g. "select classification, count(*) from runs group by all"')
    .option("--json", "one JSON object per row")
    .action(async (dir, sql, flags) => end(await (await import("./commands/sweep.js")).sweepQueryCommand(dir, sql, flags, terminal)));
  root
    .command("compare")
    .description("two strategies on the same scenarios and seeds: what differs, and how surely")
    .argument("<a>", "a strategy file")
    .argument("<b>", "another strategy file")
    .option("--on <targets...>", "scenario files, folders or globs; their own strategy is replaced", [])
    .option("--seeds <range>", "seeds that both play", "1..50")
    .option("--fidelity <name>", "request or cohort instead of the scenario's own")
    .option("--workers <n>", "worker threads; all cores when left out")
    .option("--out <dir>", "where the report goes", "shakedown-out")
    .option("--resume", "go on with what an interrupted or killed compare left in its folder, and play only the rest")
    .option("--json", "print the comparison as JSON instead, write nothing")
    .option("--allow-path <dir>", "a folder outside the project that files may refer to", collect, [])
    .action(async (a, b, flags) => end(await (await import("./commands/compare.js")).compareCommand(a, b, flags, terminal)));
  root
    .command("tune")
    .description("find the settings of a strategy that meet a goal, and write the one to take")
    .argument("<targets...>", "scenario files, folders or globs whose world and release are put to the test")
    .requiredOption("--goal <words>", 'e.g. "detect 2% regressions within 3m, false rollbacks under 1%, least cost"')
    .option("--vary <path=values>", "a field and its values: a..b, a..b log, or a,b,c; again for further fields", collect, [])
    .option("--strategy <file>", "start from this strategy instead of the scenario's own")
    .option("--rate <rate>", "constant traffic at this rate, e.g. 50rps, instead of the world's")
    .option("--candidates <n>", "settings to try", "48")
    .option("--seeds <range>", "seeds of the race", "1..320")
    .option("--budget <n>", "runs of the race at most", "20000")
    .option("--held-out <n>", "fresh seeds for the check at the end", "600")
    .option("--fidelity <name>", "request or cohort", "cohort")
    .option("--workers <n>", "worker threads; all cores when left out")
    .option("--out <dir>", "where strategy and report go", "shakedown-out/tune")
    .option("--resume", "go on with what an interrupted or killed tune left in --out, and play only the rest")
    .option("--allow-path <dir>", "a folder outside the project that files may refer to", collect, [])
    .action(async (targets, flags) => end(await (await import("./commands/tune.js")).tuneCommand(targets, flags, terminal)));
  root
    .command("detect")
    .description("how small a regression a strategy still notices, how soon, and how long its first step must bake")
    .argument("<scenario>", "one scenario file, whose world and first release are put to the test")
    .option("--sizes <values>", "more errors (0.5%..10%/8 log, or a list) or more latency (x1.2,x1.5,x2)", "0.25%,0.5%,1%,1.5%,2%,3%,5%,10%")
    .option("--within <time>", "count only what is detected within this time of the first harm")
    .option("--on <endpoint>", "the regression is on this endpoint (service/endpoint) instead of the whole service")
    .option("--rate <rate>", "constant traffic at this rate, e.g. 50rps, instead of the world's")
    .option("--bake-for <size>", "also find how long the first step must bake to notice this size in it")
    .option("--in <share>", "with --bake-for: in this share of the runs", "95%")
    .option("--longest <time>", "with --bake-for: look no further than this", "4h")
    .option("--strategy <file>", "this strategy instead of the scenario's own")
    .option("--seeds <range>", "seeds of every size", "1..200")
    .option("--fidelity <name>", "request or cohort", "cohort")
    .option("--workers <n>", "worker threads; all cores when left out")
    .option("--out <dir>", "where the report goes", "shakedown-out/detect")
    .option("--resume", "go on with what an interrupted or killed detect left in --out, and play only the rest")
    .option("--json", "print the findings as JSON instead, write nothing")
    .option("--allow-path <dir>", "a folder outside the project that files may refer to", collect, [])
    .action(async (target, flags) => end(await (await import("./commands/detect.js")).detectCommand(target, flags, terminal)));
  root
    .command("worker")
    .description("lend this machine's cores to commands that were started with --redis")
    .option("--workers <n>", "worker threads; all cores when left out")
    .action(async (flags) => end(await (await import("./commands/worker.js")).workerCommand(flags, terminal)));
  root
    .command("fuzz")
    .description("chaos in the simulator: random scenarios that look for broken rules and invariants, shrunk to a few lines")
    .argument("[scenario]", "keep this scenario's world and strategy, and vary what happens")
    .option("--strategy <file>", "put this strategy to the test, in random worlds or in the scenario")
    .option("--rule <rule>", 'e.g. "never: weight(v2) > 50% while error-rate(v2) > 20%"; again for further rules', collect, [])
    .option("--vary-world", "vary the scenario's world too")
    .option("--runs <n>", "cases to play (300 when left out)")
    .option("--for <time>", "play for this long instead, e.g. 60s; how many cases that is depends on the machine")
    .option("--seed <n>", "another search", "1")
    .option("--corpus <dir>", "play the cases kept there first, and keep those that failed or reached something new")
    .option("--workers <n>", "worker threads; all cores when left out")
    .option("--out <dir>", "where failing cases go", "shakedown-out/fuzz")
    .option("--allow-path <dir>", "a folder outside the project that files may refer to", collect, [])
    .action(async (scenario, flags) => end(await (await import("./commands/fuzz.js")).fuzzCommand(scenario, flags, terminal)));
  root
    .command("explain")
    .description("say in words why each decision of a run was taken")
    .argument("<outcome>", "an outcome.json, or the folder it is in")
    .option("--decision <n>", "only this decision")
    .action(async (path, flags) => end((await import("./commands/explain.js")).explainCommand(path, flags, terminal)));
  root
    .command("report")
    .description("build the report again from an outcome")
    .argument("<outcome>", "an outcome.json, or the folder it is in")
    .option("--out <dir>", "where the report goes (beside the outcome when left out)")
    .option("--open", "open it in the browser")
    .action(async (path, flags) => end(await (await import("./commands/report.js")).reportCommand(path, flags, terminal)));
  const gameDay = root
    .command("gameday")
    .description("play a scenario on real processes of this machine, with real faults, and judge it as a run")
    .argument("[scenario]", "one scenario file")
    .option("--target <name>", "where it is played: local", "local")
    .option("--speed <n>", "divide steps, windows and script times, never service times or rates (the scenario's own when left out)")
    .option("--prometheus <auto|url>", "let a Prometheus answer the engines: one of its own, or yours")
    .option("--sd-file <path>", "with --prometheus URL: the file that it reads its targets from")
    .option("--predict", "simulate it over 50 seeds on a calibrated world, and say where it is outside of what they say")
    .option("--calibrated <world>", "with --predict: a world that `calibrate` wrote, instead of a fresh calibration")
    .option("--dry-run", "show the plan and stop")
    .option("--yes", "carry the plan out without asking")
    .option("--out <dir>", "where journal, record, outcome and report go", "shakedown-out")
    .option("--allow-path <dir>", "a folder outside the project that files may refer to", collect, [])
    .action(async (scenario, flags) => end(await (await import("./commands/gameday.js")).gameDayCommand(scenario, flags, terminal)));
  gameDay
    .command("stop")
    .description("end a running game day: revert, then report")
    .argument("<id>", "as its plan says it")
    .action(async (id) => end(await (await import("./commands/gameday-stop.js")).stopGameDay(id, terminal, gameDay.opts<{ out: string }>())));
  gameDay
    .command("recover")
    .description("clean up whatever a killed game day left behind; safe to run twice")
    .action(async () => end(await (await import("./commands/gameday-recover.js")).recoverGameDays(terminal, gameDay.opts<{ out: string }>())));
  root
    .command("calibrate")
    .description("measure an unfaulted game day, and write a world whose figures are those of the real processes")
    .argument("<target>", "a world, or a scenario with one")
    .option("--target <name>", "where it is played: local", "local")
    .option("--out <file>", "the calibrated world's file", "calibrated.yaml")
    .option("--for <duration>", "how long the stretch is that service times rest on", "60s")
    .option("--seed <n>", "seed of its arrivals and demands", "1")
    .option("--game-days <dir>", "where journal and record go", "shakedown-out")
    .option("--dry-run", "show the plan and stop")
    .option("--yes", "carry the plan out without asking")
    .option("--allow-path <dir>", "a folder outside the project that files may refer to", collect, [])
    .action(async (path, flags) => end(await (await import("./commands/calibrate.js")).calibrateCommand(path, flags, terminal)));
  root
    .command("replay")
    .description("feed a game day's record back through the engines: the same decisions, or those of another strategy")
    .argument("<record>", "a telemetry.ndjson, or the game day's folder")
    .option("--strategy <file>", "what would this strategy have done with what was measured?")
    .option("--json", "print one JSON object instead")
    .option("--allow-path <dir>", "a folder outside the project that files may refer to", collect, [])
    .action(async (record, flags) => end(await (await import("./commands/replay.js")).replayCommand(record, flags, terminal)));
  root
    .command("schema")
    .description("print the JSON Schema of scenario files, for editors")
    .option("--out <file>", "write it to a file")
    .action(async (flags) => end((await import("./commands/schema.js")).schemaCommand(flags, terminal)));
  root
    .command("new")
    .description("write a commented scenario to start from")
    .argument("<file>", "the scenario's file")
    .option("--force", "overwrite the file if it exists")
    .action(async (path, flags) => end((await import("./commands/new.js")).newCommand(path, flags, terminal)));
  for (const command of root.commands) if (MANY_RUNS.includes(command.name())) overRedis(command);
  return root;
}

/** Commands whose runs other machines can play, and the one that plays them. */
const MANY_RUNS = ["test", "sweep", "compare", "tune", "detect", "fuzz", "worker"];

function overRedis(command: Command): void {
  command
    .option("--redis <url>", "runs are played by `shakedown worker`s on any machines, by way of redis://HOST:PORT, rediss:// for TLS")
    .option("--redis-password-file <file>", "its password; or SHAKEDOWN_REDIS_PASSWORD and SHAKEDOWN_REDIS_USER")
    .option("--redis-ca <file>", "the authority that signed a rediss:// server's certificate");
  if (command.name() === "worker" || command.options.some(({ long }) => long === "--resume")) return;
  command.option("--resume", "with --redis: go on with what an interrupted command left");
}

/** Runs the command line; gives the exit code. */
async function main(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = ExitCode.ok;
  try {
    await program((ended) => {
      code = ended;
    }).parseAsync([...argv]);
    return code;
  } catch (error) {
    return explainEnd(error);
  }
}

function explainEnd(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.badInput;
  if (error instanceof UsageError || error instanceof RedisTrouble || error instanceof StorageError) {
    terminal.warn(error.message);
    return ExitCode.badInput;
  }
  terminal.warn(error instanceof InternalError ? error.message : `internal: ${messageOf(error)}`);
  if (error instanceof Error && process.env["SHAKEDOWN_DEBUG"] !== undefined) terminal.warn(error.stack ?? "");
  terminal.warn("This is our fault, not yours. Please report it with the command you ran; SHAKEDOWN_DEBUG=1 shows where it happened.");
  return ExitCode.ourFault;
}

// A reader that closes early (`| head`) is no error.
readers.listen(process.stdout, process.stderr, () => process.exit(ExitCode.ok));
// A statechart hands an error on outside of the call that caused it; it is our fault all the same, and ends as such.
process.on("uncaughtException", (error) => {
  process.exit(explainEnd(error));
});
process.exitCode = await main(process.argv);
