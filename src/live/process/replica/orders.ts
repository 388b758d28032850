// Whether an answered page ends in an order, in every lane: one draw decides, and effects on conversion take their part.

import { uniform } from "../../../kernel/draws.js";
import type { Euro, Micros } from "../../../kernel/units.js";
import { drawIndex, pageBase, Purpose } from "../../../world/request/hop-draws.js";
import type { ReplicaSetup } from "../protocol.js";
import { PageKeys } from "../shared/identity.js";
import type { EffectsHere } from "./effects-here.js";
import type { Hop } from "./hop.js";

export interface OrderVerdict {
  /** A bit per lane in which the page converts; lane 0 is what happened. */
  readonly lanes: number;
  /** Taken by an effect of a release: the page would have converted. */
  readonly lost: boolean;
  /** What effects of releases take from such a page on average, and whose effects act. */
  readonly lostEuro: Euro;
  readonly by: number;
}

const NO_ORDER: OrderVerdict = { lanes: 0, lost: false, lostEuro: 0, by: 0 };

export class Orders {
  readonly #keys: PageKeys;

  constructor(readonly setup: ReplicaSetup, readonly effects: EffectsHere) {
    this.#keys = new PageKeys(setup.seed);
  }

  /** Decides about a page that this replica answered well. */
  decide(hop: Hop, now: Micros): OrderVerdict {
    const { conversion, orderValue } = hop.endpoint;
    if (conversion === 0 || hop.reload < 0) return NO_ORDER;
    const { stream, entity, user } = hop.identity;
    const draw = uniform(this.#keys.of(stream), entity, drawIndex(pageBase(hop.reload), Purpose.conversion));
    const all = (1 << (1 + this.setup.releases)) - 1;
    let lanes = draw < conversion ? all : 0;
    let [kept, keptByFaults, by] = [1, 1, 0];
    const acting = this.effects.onConversion(hop.endpoint.name).filter((state) => this.effects.actsOnWork(state, hop.caller, user, now));
    for (const { effect: { what }, bit } of acting) {
      if (what.kind !== "conversion") continue;
      kept *= 1 - what.drop;
      if (bit === 0) keptByFaults *= 1 - what.drop;
      by |= bit;
    }
    if (kept === 1) return { lanes, lost: false, lostEuro: 0, by: 0 };
    if (lanes !== 0) {
      lanes = 0;
      for (let lane = 0; lane <= this.setup.releases; lane++) {
        let keptHere = 1;
        for (const { effect: { what, release } } of acting) {
          if (what.kind === "conversion" && (lane === 0 || release !== lane - 1)) keptHere *= 1 - what.drop;
        }
        // Uniform among the pages that would convert.
        if (draw / conversion < keptHere) lanes |= 1 << lane;
      }
    }
    const lost = by !== 0 && draw < conversion && (lanes & 1) === 0;
    return { lanes, lost, lostEuro: (keptByFaults - kept) * conversion * orderValue, by };
  }
}
