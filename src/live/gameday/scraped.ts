// Which pages are scraped: by the built-in scraper always, by Prometheus too when it answers the engines.

import type { TargetLabels, TargetSchema } from "../../telemetry/schema.js";
import type { Target } from "../../telemetry/target.js";
import type { DiscoveryFile } from "../telemetry/discovery.js";
import type { LiveScraper } from "../telemetry/scrape.js";

/** A process with a metrics page of its own. */
export interface ScrapedProcess<Schema extends TargetSchema> {
  readonly id: string;
  readonly labels: TargetLabels;
  readonly schema: Schema;
  readonly port: number;
}

/** Figures that main itself keeps, shown on a page of main's for Prometheus. */
export interface ScrapedFigures<Schema extends TargetSchema> {
  readonly id: string;
  readonly labels: TargetLabels;
  readonly schema: Schema;
  /** Its page; null while nobody but the built-in scraper asks. */
  readonly url: string | null;
}

/** Keeps both lists the same. */
export class Scraped {
  readonly #scraper: LiveScraper;
  readonly #discovery: DiscoveryFile | null;

  constructor(scraper: LiveScraper, discovery: DiscoveryFile | null) {
    this.#scraper = scraper;
    this.#discovery = discovery;
  }

  addProcess<Schema extends TargetSchema>({ id, labels, schema, port }: ScrapedProcess<Schema>): void {
    const url = `http://127.0.0.1:${port}/metrics`;
    this.#scraper.add({ id, labels, schema, url });
    this.#discovery?.add({ id, labels, url });
  }

  /** Gives the target whose `live` is to be kept. */
  addFigures<Schema extends TargetSchema>({ id, labels, schema, url }: ScrapedFigures<Schema>): Target<Schema> {
    if (url !== null) this.#discovery?.add({ id, labels, url });
    return this.#scraper.add({ id, labels, schema, url: null });
  }

  remove(id: string): void {
    this.#scraper.remove(id);
    this.#discovery?.remove(id);
  }
}
