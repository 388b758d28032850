// The laws of calls and queries as effects on the way, retries and breakers leave them.

import { alike } from "../../kernel/alike.js";
import { toSeconds, type Micros } from "../../kernel/units.js";
import { concernsLink, concernsQuery, inWindow, type EffectModel } from "../active-effects.js";
import type { CallLink } from "./call-link.js";
import type { DatabasePool } from "./database-pool.js";
import type { FlowParts } from "./flow.js";
import { quantisedShare } from "./law-book.js";
import type { Law } from "./law.js";
import { workLaw, workName, type ErrorSource, type WorkConditions } from "./own-work.js";
import type { ServiceState, VersionState } from "./service-state.js";

export class LinkLaws {
  readonly #parts: FlowParts;
  /** By version x callees + callee: effects on the link; by database x versions + version: effects on its queries. */
  readonly #onLink: readonly (readonly EffectModel[])[];
  readonly #onQuery: readonly (readonly EffectModel[])[];
  readonly #callees: number;

  constructor(parts: FlowParts) {
    this.#parts = parts;
    const { versions, services, databases, effects } = parts.model;
    this.#callees = services.length + databases.length;
    const kinds = effects.filter(({ kind }) => kind === "errors" || kind === "latency" || kind === "outage");
    this.#onLink = alike(versions.flatMap((version) => Array.from({ length: this.#callees }, (_, callee) =>
      alike(kinds.filter((effect) => concernsLink(effect, version, callee))))));
    this.#onQuery = alike(databases.flatMap((database) => versions.map((version) =>
      alike(kinds.filter((effect) => concernsQuery(effect, version, database.index))))));
  }

  /** Laws of the queries that each version sends to the database. */
  ofQueries(database: DatabasePool, now: Micros): void {
    const { model, book, conditions } = this.#parts;
    for (const version of model.versions) {
      const effects = this.#onQuery[database.model.index * model.versions.length + version.index];
      database.silent[version.index] = -1;
      if (effects.length === 0) continue;
      let [factor, add, mask] = [1, 0, 0];
      const errors: ErrorSource[] = [{ ratio: database.model.spec.errors, bit: 0 }];
      for (const effect of effects) {
        const share = inWindow(effect, now) ? conditions.flagShare(effect) : 0;
        if (share <= 0) continue;
        const { what } = effect.effect;
        if (what.kind === "latency") {
          factor *= 1 + (what.factor - 1) * share;
          add += toSeconds(what.add) * share;
          mask |= effect.bit;
        } else if (what.kind === "errors") errors.push({ ratio: what.ratio * share, bit: effect.bit });
        else if (what.kind === "outage" && effect.carrierVersion >= 0) database.silent[version.index] = effect.bit;
      }
      const work: WorkConditions = { time: database.model.spec.time, factor, addSeconds: add, mask, errors, miss: null };
      database.own[version.index] = book.named(workName(-1 - database.model.index, work), () => workLaw(work));
    }
  }

  /** What the version gets for each of its calls, from what callees answer now. */
  ofCalls(service: ServiceState, version: VersionState, now: Micros): void {
    const { services, databases, classes, model } = this.#parts;
    const { index } = version.fleet.version;
    for (const endpoint of service.model.endpoints) {
      for (const call of endpoint.calls) {
        const links = version.linkOf(call);
        for (let k = 0; k < classes.count; k += 1) {
          const law = call.database >= 0
            ? databases[call.database].answer[index]
            : services[call.service].answers[model.endpoints[call.endpoint].slot * classes.count + classes.calledBy(k, index)];
          this.#update(version, links[k], k, law, now);
        }
      }
    }
  }

  #update(version: VersionState, link: CallLink, userClass: number, callee: Law, now: Micros): void {
    const { classes, book, conditions } = this.#parts;
    const { call } = link;
    let law = callee;
    link.reaching = 1;
    for (const effect of this.#onLink[version.fleet.version.index * this.#callees + call.callee]) {
      if (!inWindow(effect, now) || !classes.meets(userClass, effect)) continue;
      const share = quantisedShare(conditions.flagShare(effect));
      const { what } = effect.effect;
      if (share <= 0) continue;
      if (what.kind === "outage") {
        law = book.blend(law, book.neverAnswers(effect.bit), share);
        link.reaching *= 1 - share;
      } else if (what.kind === "errors") {
        law = book.blend(law, book.refused(effect.bit), what.ratio * share);
        link.reaching *= 1 - what.ratio * share;
      } else if (what.kind === "latency") {
        law = book.blend(law, book.stretched(law, what.factor, toSeconds(what.add), effect.bit), share);
      }
    }
    link.update(book, law, version.breakers.get(call.callee) ?? null);
  }
}
