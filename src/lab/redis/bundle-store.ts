// The bundles that a worker knows: fetched once from Redis, and taken only when they are what their hash says.

import type { Redis } from "ioredis";
import { assert } from "../../kernel/assert.js";
import { bundleOf, type Bundle } from "../bundle.js";
import { bundleSchema, KEYS, MOST_BUNDLE } from "./protocol.js";

/** Kept at a time; a search seldom goes back further. */
const MOST_KEPT = 256;

export interface Bundles {
  get(hash: string): Bundle;
}

export class BundleStore {
  readonly #client: Redis;
  readonly #kept = new Map<string, Bundle>();

  constructor(client: Redis) {
    this.#client = client;
  }

  /** All of these; null when Redis lacks one of them, or holds something else under its name. */
  async get(hashes: readonly string[]): Promise<Bundles | null> {
    const found = new Map<string, Bundle>();
    for (const hash of new Set(hashes)) {
      const bundle = this.#kept.get(hash) ?? (await this.#fetch(hash));
      if (bundle === null) return null;
      found.set(hash, bundle);
      this.#keep(bundle);
    }
    return {
      get: (hash) => {
        const bundle = found.get(hash);
        assert(bundle !== undefined, "a batch's bundles are those of its groups");
        return bundle;
      },
    };
  }

  async #fetch(hash: string): Promise<Bundle | null> {
    const text = await this.#client.get(KEYS.bundle(hash));
    if (text === null || text.length > MOST_BUNDLE) return null;
    const parsed = bundleSchema.safeParse(jsonOf(text));
    if (!parsed.success) return null;
    const bundle = bundleOf(parsed.data.entry, parsed.data.files);
    return bundle.hash === hash ? bundle : null;
  }

  #keep(bundle: Bundle): void {
    this.#kept.delete(bundle.hash);
    this.#kept.set(bundle.hash, bundle);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(oldest);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
