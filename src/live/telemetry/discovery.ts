// Which targets Prometheus shall scrape: its file-based service discovery, rewritten as replicas come and go.

import type { TargetLabels } from "../../telemetry/schema.js";
import { GAME_DAY_LABEL, writeTargets } from "../safety/targets-file.js";
import { TARGET_LABELS } from "./page.js";

export interface DiscoveredTarget {
  /** Becomes its `instance`. */
  readonly id: string;
  readonly labels: TargetLabels;
  /** Its page, e.g. `http://127.0.0.1:8080/metrics`. */
  readonly url: string;
}

/** Keeps the file; Prometheus watches it, and takes up to ten seconds to follow. */
export class DiscoveryFile {
  readonly path: string;
  readonly #targets = new Map<string, DiscoveredTarget>();
  /** Labels of every target. */
  readonly #common: Readonly<Record<string, string>>;

  /** Writes the file, without targets; they will say whose they are where a game day's folder is given. Throws when it can't be written. */
  constructor(path: string, gameDay: string | null = null) {
    this.path = path;
    this.#common = gameDay === null ? {} : { [GAME_DAY_LABEL]: gameDay };
    this.#write();
  }

  get targets(): readonly DiscoveredTarget[] {
    return [...this.#targets.values()];
  }

  /** Adds a target, or moves one to another URL. */
  add(target: DiscoveredTarget): void {
    this.#targets.set(target.id, target);
    this.#write();
  }

  remove(id: string): void {
    if (this.#targets.delete(id)) this.#write();
  }

  #write(): void {
    writeTargets(this.path, this.targets.map((target) => groupOf(target, this.#common)));
  }
}

function groupOf({ id, labels, url }: DiscoveredTarget, common: Readonly<Record<string, string>>): object {
  const { host, pathname } = new URL(url);
  const own = Object.fromEntries(TARGET_LABELS.flatMap((label) => (labels[label] === undefined ? [] : [[label, labels[label]]])));
  return { targets: [host], labels: { ...own, instance: id, __metrics_path__: pathname, ...common } };
}
