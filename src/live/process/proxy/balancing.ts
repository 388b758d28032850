// Which replica of a version gets a request: the service's policy among those that the health check admits.

import { uniform } from "../../../kernel/draws.js";
import { drawIndex, Purpose } from "../../../world/request/hop-draws.js";
import type { BalancingPolicy } from "../../../world/spec.js";
import type { PageKeys } from "../shared/identity.js";

/** What a policy looks at. */
export interface Candidate {
  readonly inFlight: number;
}

/** A uniform draw for the request whose identity header this is; chance for one that has none. */
export function balancingDraw(keys: PageKeys, request: string): number {
  const first = request.indexOf(".");
  const second = request.indexOf(".", first + 1);
  if (first < 0 || second < 0) return Math.random();
  const entity = Number(request.slice(first + 1, second));
  return uniform(keys.of(Number(request.slice(0, first))), entity, drawIndex(Number(request.slice(second + 1)), Purpose.balancing));
}

export class Balancing<Replica extends Candidate> {
  #turn = 0;
  constructor(readonly policy: BalancingPolicy, readonly keys: PageKeys) {}

  /** A replica by the policy; null when there is none. */
  pick(replicas: readonly Replica[], request: string): Replica | null {
    const count = replicas.length;
    if (count < 2) return count === 0 ? null : replicas[0];
    switch (this.policy) {
      case "round-robin": {
        const turn = this.#turn % count;
        this.#turn = turn + 1;
        return replicas[turn];
      }
      case "random":
        return replicas[Math.floor(balancingDraw(this.keys, request) * count)];
      case "power-of-two": {
        // One draw gives both choices: its whole part the first, its fraction the second.
        const x = balancingDraw(this.keys, request) * count;
        const i = Math.floor(x);
        let j = Math.floor((x - i) * (count - 1));
        if (j >= i) j += 1;
        return replicas[j].inFlight < replicas[i].inFlight ? replicas[j] : replicas[i];
      }
      case "least-request":
        return this.#leastRequest(replicas);
    }
  }

  /** Ties go to the next in turn, so that idle replicas share the work. */
  #leastRequest(replicas: readonly Replica[]): Replica {
    const count = replicas.length;
    const start = this.#turn % count;
    let best = start;
    for (let k = 1; k < count; k++) {
      const i = (start + k) % count;
      if (replicas[i].inFlight < replicas[best].inFlight) best = i;
    }
    this.#turn = best + 1;
    return replicas[best];
  }
}
