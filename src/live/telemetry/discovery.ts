// Which targets Prometheus shall scrape: its file-based service discovery, rewritten as replicas come and go.

import { renameSync, writeFileSync } from "node:fs";
import type { TargetLabels } from "../../telemetry/schema.js";
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

  /** Writes the file, without targets. Throws when it can't be written. */
  constructor(path: string) {
    this.path = path;
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

  /** Whole or not at all: Prometheus never reads half a file. */
  #write(): void {
    const partial = `${this.path}.partial`;
    writeFileSync(partial, `${JSON.stringify(this.targets.map(groupOf), null, 2)}\n`);
    renameSync(partial, this.path);
  }
}

function groupOf({ id, labels, url }: DiscoveredTarget): object {
  const { host, pathname } = new URL(url);
  const own = Object.fromEntries(TARGET_LABELS.flatMap((label) => (labels[label] === undefined ? [] : [[label, labels[label]]])));
  return { targets: [host], labels: { ...own, instance: id, __metrics_path__: pathname } };
}
