// `shakedown worker`: lends this machine's cores to commands that were started with --redis, here or elsewhere.

import { counted } from "../../kernel/format.js";
import { buildWords } from "../../lab/build.js";
import { RedisWorker } from "../../lab/redis/redis-worker.js";
import { ExitCode, UsageError } from "../exit.js";
import { parseWorkers } from "../lab/plan.js";
import { notice, redisPlaceOf, type RedisFlags } from "../lab/redis.js";
import type { Terminal } from "../terminal.js";

export interface WorkerFlags extends RedisFlags {
  readonly workers?: string;
}

const MIN_MILLIS_BETWEEN_UPDATES = 200;

/** Works until it is asked to end; gives the exit code. */
export async function workerCommand(flags: WorkerFlags, terminal: Terminal): Promise<ExitCode> {
  if (flags.redis === undefined) throw new UsageError("missing --redis URL: where the runs come from, as in --redis redis://localhost:6379");
  const workers = parseWorkers(flags.workers);
  const place = await redisPlaceOf(flags.redis, flags);
  let runs = 0;
  let shownAt = 0;
  const worker = await RedisWorker.start({
    place,
    workers,
    onNotice: (line) => notice(terminal, line),
    onPlayed: (played) => {
      runs += played;
      if (!terminal.live || performance.now() - shownAt < MIN_MILLIS_BETWEEN_UPDATES) return;
      shownAt = performance.now();
      terminal.status(`${counted(runs, "run")} played`);
    },
  });
  terminal.warn(`worker ${worker.name.worker}: ${counted(workers, "thread")}, ${buildWords(worker.name.build)}, ${place.name}; Ctrl-C ends`);
  const stop = (): void => {
    // The next one ends the process as it would without us.
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
    notice(terminal, "ending: what is being played is finished or given back; Ctrl-C again ends at once");
    void worker.stop();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    await worker.ended;
    return ExitCode.ok;
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
    notice(terminal, `${counted(runs, "run")} played`);
  }
}
