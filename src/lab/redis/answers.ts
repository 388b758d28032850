// Takes what workers answer out of a coordinator's list in Redis, for as long as the coordinator lives.

import { Redis } from "ioredis";
import { setTimeout as sleep } from "node:timers/promises";
import { redisOptions } from "./connect.js";
import type { RedisPlace } from "./place.js";
import { answerSchema, type Answer } from "./protocol.js";

/** Shorter than the silence after which a connection counts as dead. */
const BLOCK_SECONDS = 5;
const PAUSE_MILLIS = 500;

export class Answers {
  /** A connection of its own: it blocks. */
  readonly #client: Redis;
  #closed = false;

  constructor(place: RedisPlace, key: string, onAnswer: (answer: Answer) => void, onError: (error: unknown) => void) {
    this.#client = new Redis(redisOptions(place));
    this.#client.on("error", (error) => {
      if (!this.#closed) onError(error);
    });
    void this.#listen(key, onAnswer, onError);
  }

  close(): void {
    this.#closed = true;
    this.#client.disconnect();
  }

  async #listen(key: string, onAnswer: (answer: Answer) => void, onError: (error: unknown) => void): Promise<void> {
    while (!this.#closed) {
      try {
        const found = await this.#client.blpop(key, BLOCK_SECONDS);
        if (found === null) continue;
        const answer = answerSchema.safeParse(JSON.parse(found[1]));
        if (answer.success) onAnswer(answer.data);
        else onError(new Error(`an answer was not understood (${answer.error.issues[0].path.join(".")}: ${answer.error.issues[0].message})`));
      } catch (error) {
        if (this.#closed) return;
        onError(error);
        await sleep(PAUSE_MILLIS);
      }
    }
  }
}
