// Clients: they ask for pages, wait for an answer, give up, load again; the edge's ledger is written as the simulator does.

import { uniform } from "../../../kernel/draws.js";
import { MICROS_PER_SECOND, type Micros } from "../../../kernel/units.js";
import { LEDGER_COLUMNS, LedgerColumn, type LedgerBook } from "../../../world/ledger.js";
import type { Model } from "../../../world/model.js";
import { childBase, drawIndex, pageBase, Purpose } from "../../../world/request/hop-draws.js";
import { Header, type LoadSetup } from "../protocol.js";
import { VERSION_PATH } from "../proxy/front.js";
import { identityHeader } from "../shared/identity.js";
import { parseReleases } from "../shared/releases.js";
import type { RunClock } from "../shared/run-clock.js";
import { Wire, type Answer } from "../shared/wire.js";
import type { LatencyBook } from "./latency-book.js";
import type { Page } from "./page.js";

/** Connections to one proxy port; pages that clients gave up keep theirs until the answer. */
const CONNECTIONS = 4096;

export class Clients {
  inFlight = 0;
  readonly #wires: readonly Wire[];
  readonly #slowAfter: Micros;

  constructor(
    readonly setup: LoadSetup, readonly model: Model, readonly ledger: LedgerBook, readonly latencies: LatencyBook,
    readonly clock: RunClock,
    /** Sends the page again at this run time, if it may. */
    readonly reloadAt: (page: Page, at: Micros) => void,
  ) {
    this.#slowAfter = setup.slowAfterSeconds === null ? Infinity : setup.slowAfterSeconds * MICROS_PER_SECOND;
    this.#wires = model.traffic.map(({ spec: { enters } }) => {
      const port = setup.servicePorts[enters];
      if (port === undefined) throw new Error(`traffic enters ${enters}, whose port the load was not told`);
      return new Wire(port, CONNECTIONS);
    });
  }

  /** The client asks for its page, meant for `intendedAt`. */
  load(page: Page, intendedAt: Micros): void {
    page.intendedAt = intendedAt;
    page.slow = 0;
    page.over = false;
    this.inFlight += 1;
    const base = childBase(pageBase(page.attempt), 0, 0);
    // Patience counts from the intended start, too.
    const patience = setTimeout(() => this.#giveUp(page), (this.model.spec.clients.timeout - (this.clock.now() - intendedAt)) / 1000);
    const load = page.attempt;
    const headers = [
      Header.user, String(page.user), Header.request, identityHeader(page.stream, page.number, base), Header.from, "client",
      Header.reload, String(load),
    ];
    this.#wires[page.stream].ask(`/${page.endpoint.spec.name}`, headers, (answer) => {
      this.inFlight -= 1;
      if (page.attempt === load && !page.over) {
        clearTimeout(patience);
        page.over = true;
        this.#ended(page, answer.failed, this.#versionOf(page, answer), answer);
      }
    }, (hint) => {
      if (page.attempt === load) page.slow |= parseReleases(hint.header(Header.touched));
    });
  }

  destroy(): void {
    for (const wire of this.#wires) wire.destroy();
  }

  /** The client waits no more. Which version was to serve it only the proxy knows. */
  #giveUp(page: Page): void {
    if (page.over) return;
    page.over = true;
    const endedAt = this.clock.now();
    this.#wires[page.stream].ask(VERSION_PATH, [Header.user, String(page.user), Header.from, "client"], (answer) => {
      this.#ended(page, true, this.#versionOf(page, answer), null, endedAt);
    });
  }

  /** The version that the answer names; without one, the stable version. */
  #versionOf(page: Page, answer: Answer): number {
    const service = this.model.services[page.endpoint.service];
    const name = answer.header(Header.version);
    return service.versions.find((version) => this.model.versions[version].name === name) ?? service.versions[0];
  }

  #ended(page: Page, failed: boolean, version: number, answer: Answer | null, endedAt = this.clock.now()): void {
    const { ledger } = this;
    const latency = Math.max(0, endedAt - page.intendedAt);
    const slow = latency > this.#slowAfter;
    const cell = ledger.edgeCell(version, page.endpoint.slot, page.segment);
    const touched = parseReleases(answer?.header(Header.touched));
    const blame = answer === null ? page.slow : parseReleases(answer.header(Header.blamed));
    ledger.observe(cell, latency, failed, slow);
    this.latencies.record(latency);
    const harm = failed ? blame : slow ? page.slow | touched : 0;
    if (harm !== 0) {
      ledger.countHarmed(cell, failed, slow);
      ledger.harm(harm, failed ? "failed" : "slow", endedAt);
    }
    const row = cell * LEDGER_COLUMNS;
    if (!failed) {
      if (answer !== null) this.#takeOrder(row, answer, endedAt);
    } else if (this.#reloads(page)) {
      page.attempt += 1;
      this.reloadAt(page, endedAt + this.model.spec.clients.reload.after);
    } else {
      ledger.loseOrders(blame, page.endpoint.spec.conversion * page.endpoint.spec.orderValue);
    }
  }

  /** What the replica said about the page's order. */
  #takeOrder(row: number, answer: Answer, at: Micros): void {
    const { totals } = this.ledger;
    const order = answer.header(Header.order);
    if (order !== undefined) {
      totals[row + LedgerColumn.conversions] += 1;
      totals[row + LedgerColumn.orderEuro] += Number(order);
    }
    const lost = answer.header(Header.lostEuro);
    const by = parseReleases(answer.header(Header.lostBy));
    if (lost !== undefined) this.ledger.loseOrders(by, Number(lost));
    if (answer.header(Header.lostOrder) !== undefined) this.ledger.harm(by, "order", at);
  }

  /** A failed page may be loaded again. */
  #reloads(page: Page): boolean {
    const { share, max } = this.model.spec.clients.reload;
    if (share === 0 || page.attempt >= max) return false;
    const { pageKey } = this.model.traffic[page.stream];
    return uniform(pageKey, page.number, drawIndex(pageBase(page.attempt), Purpose.reload)) < share;
  }
}
