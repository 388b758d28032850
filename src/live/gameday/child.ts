// One process of a game day as main sees it: its orders, its reports, its ports and its end.

import { entryFile } from "../safety/entry-file.js";
import type { ProcessIdentity } from "../safety/identity.js";
import type { ChildSpec, GameDayChild } from "../safety/children.js";
import type { Order, Report, Role, Setup } from "../process/protocol.js";

/** Whoever starts processes: the game day's guard, which writes each into the journal. */
export interface Spawner {
  spawn(spec: ChildSpec): GameDayChild;
}

/** How a process went: by its own exit code, or by a signal. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  readonly spawner: Spawner;
  /** For people and the journal, e.g. `checkout-v2-3`. */
  readonly name: string;
  readonly setup: Setup;
  /** An open file that takes what it prints. */
  readonly log: number;
  readonly onReport: (report: Report) => void;
  readonly onExit: (exit: ChildExit) => void;
}

const programOf = (role: Role): string => entryFile(import.meta.url, `../process/${role}-main.js`);

export class Child {
  readonly name: string;
  readonly token: string;
  readonly identity: ProcessIdentity;
  /** Its ports by name, as soon as it listens. */
  readonly listening: Promise<Readonly<Record<string, number>>>;
  #ports: Readonly<Record<string, number>> = {};
  #gone = false;
  readonly #process: GameDayChild["process"];

  /** Starts the process and sends its set-up; throws what the spawner throws. */
  constructor(options: ChildOptions) {
    const { spawner, name, setup, log } = options;
    const spawned = spawner.spawn({ role: name, run: { node: programOf(setup.role) }, args: [], stdout: log, stderr: log, ipc: true });
    this.name = name;
    this.token = spawned.token;
    this.identity = spawned.identity;
    this.#process = spawned.process;
    this.listening = new Promise((resolve, reject) => {
      this.#process.on("message", (message) => {
        const report = message as Report;
        if (report.type === "listening") {
          this.#ports = report.ports;
          resolve(report.ports);
        }
        if (report.type === "failed") reject(new Error(`${name}: ${firstLine(report.why)}`));
        options.onReport(report);
      });
      this.#process.once("error", reject);
      this.#process.once("exit", (code, signal) => {
        this.#gone = true;
        reject(new Error(`${name} ended before it listened (${signal ?? `exit ${code}`})`));
        options.onExit({ code, signal });
      });
    });
    // Whoever waits for it hears of it; nobody else has to.
    this.listening.catch(() => undefined);
    this.order({ type: "setup", setup });
  }

  /** Its one port; of the proxy, which has many, ask `listening`. */
  get port(): number {
    return this.#ports["http"] ?? 0;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Sends an order; one that is gone hears nothing. */
  order(order: Order): void {
    if (!this.#gone && this.#process.connected) this.#process.send(order, () => undefined);
  }
}

export const firstLine = (text: string): string => text.split("\n", 1)[0];
