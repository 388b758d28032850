// Kills a game day with -9, tool and watchdog together, while a replica is stopped; then `recover` must leave no process, port or fault.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const GONE_WITHIN_MS = 10_000;
/** A busy machine's game day takes its time until its first fault. */
const BEGINS_WITHIN_MS = 120_000;
const MARK = `SHAKEDOWN_KILLED=${process.pid}-${Date.now()}`;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const cli = here("../../../dist/cli/main.js");
const out = mkdtempSync(join(tmpdir(), "shakedown-killed-"));
const journalPath = join(out, "gamedays", "killed-1", "journal.ndjson");

function read(path) {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

const journal = () => read(journalPath).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
const stateOf = (pid) => /^State:\s+(\S)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? "gone";

/** Every process that inherited the mark: the game day's, whatever its journal says. */
const marked = () => readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid && read(`/proc/${pid}/environ`).includes(MARK) && !"ZX".includes(stateOf(pid)));

/** Loopback ports that these processes listen on. */
function portsOf(pids) {
  const inodes = new Set(pids.flatMap((pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []);
    } catch {
      return [];
    }
  }));
  return listening().filter(({ inode }) => inodes.has(inode)).map(({ port }) => port);
}

/** Listening TCP sockets: state 0A of /proc/net/tcp. */
const listening = () => read("/proc/net/tcp").split("\n").slice(1).flatMap((line) => {
  const fields = line.trim().split(/\s+/);
  return fields[3] === "0A" ? [{ port: Number.parseInt(fields[1].split(":")[1], 16), inode: fields[9] }] : [];
});

function fail(text) {
  throw new Error(text);
}

async function until(what, ms, holds) {
  for (const deadline = performance.now() + ms; !holds(); await sleep(50)) if (performance.now() > deadline) fail(`not so within ${ms / 1_000} s: ${what}`);
}

const recover = () => spawnSync(process.execPath, [cli, "gameday", "recover", "--out", out], { encoding: "utf8" });

try {
  const [name, value] = MARK.split("=");
  const main = spawn(process.execPath, [cli, "gameday", here("killed.yaml"), "--yes", "--out", out], { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, [name]: value } });
  const ended = new Promise((resolve) => main.once("exit", resolve));
  const stopped = () => journal().find(({ kind, what }) => kind === "fault-begun" && what === "SIGSTOP")?.revert.victim.pid;
  await until("a replica is stopped", BEGINS_WITHIN_MS, () => main.exitCode !== null || (stopped() !== undefined && stateOf(stopped()) === "T"));
  if (main.exitCode !== null) fail(`the game day ended by itself (exit code ${main.exitCode})`);
  const victim = stopped();
  const processes = marked();
  const ports = portsOf(processes);
  const watchdog = journal().find(({ kind, role }) => kind === "process-spawned" && role === "watchdog").identity.pid;
  process.kill(watchdog, "SIGKILL");
  process.kill(main.pid, "SIGKILL");
  await ended;
  const killedAt = performance.now();
  console.log(`killed the tool (${main.pid}) and its watchdog (${watchdog}) with -9: ${processes.length} processes, ${ports.length} ports, replica ${victim} in state ${stateOf(victim)}`);
  if (stateOf(victim) !== "T") fail("the replica is not stopped: this proves nothing");
  const { status, stdout, stderr } = recover();
  process.stdout.write(stdout.replace(/^/gm, "  ").trimEnd() + "\n");
  if (status !== 0) fail(`recover ended with ${status}: ${stderr}`);
  await until("no process is left", Math.max(0, GONE_WITHIN_MS - (performance.now() - killedAt)), () => marked().length === 0);
  const left = listening().filter(({ port }) => ports.includes(port)).map(({ port }) => port);
  if (left.length > 0) fail(`still listening: ${left.join(", ")}`);
  const entries = journal();
  const open = entries.filter(({ kind, fault }) => kind === "fault-begun" && !entries.some((each) => each.kind === "fault-reverted" && each.fault === fault));
  if (open.length > 0) fail(`faults without a revert: ${open.map(({ fault }) => fault).join(", ")}`);
  if (!entries.some(({ kind }) => kind === "game-day-ended")) fail("its end is not written");
  console.log(`no process, port or fault was left ${((performance.now() - killedAt) / 1_000).toFixed(1)} s after`);
  const again = recover();
  if (again.status !== 0 || again.stdout.trim() !== "nothing to recover") fail(`a second recover said: ${again.stdout}${again.stderr}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  // Whatever failed, nothing of it may stay on this machine.
  for (const pid of marked()) {
    process.kill(Number(pid), "SIGCONT");
    process.kill(Number(pid), "SIGKILL");
  }
  rmSync(out, { recursive: true, force: true });
}
