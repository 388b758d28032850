// A replica at work: slots, the bounded queue before them, own work, calls, and the answer with what it says of effects.

import type { ServerResponse } from "node:http";
import { SlowCounts } from "../../../world/request/slow-counts.js";
import { Header, type ReplicaSetup } from "../protocol.js";
import type { Caller, Identity } from "../shared/identity.js";
import { formatReleases } from "../shared/releases.js";
import { processMicros, type RunClock } from "../shared/run-clock.js";
import { Waiting } from "../shared/waiting.js";
import { Books } from "./books.js";
import { Calls } from "./calls.js";
import { EffectsHere } from "./effects-here.js";
import { Hop } from "./hop.js";
import { MetricsPage, type Gauges } from "./metrics-page.js";
import { Orders } from "./orders.js";
import { OwnWork } from "./own-work.js";
import { Self, type Death } from "./self.js";
import { WorkShare } from "./work-share.js";

const REFUSED = 503;
const BROKEN = 500;

export class Replica {
  readonly effects: EffectsHere;
  readonly self: Self;
  readonly books: Books;
  readonly page: MetricsPage;
  readonly #work: OwnWork;
  readonly #calls: Calls;
  readonly #orders: Orders;
  readonly #waiting = new Waiting();
  readonly #share: WorkShare;
  readonly #slowInSlots: SlowCounts;
  /** Releases whose defects keep other replicas of this version down. */
  lossMask = 0;
  readonly #queue: Hop[] = [];
  readonly #inside = new Set<Hop>();
  #busy = 0;

  constructor(readonly setup: ReplicaSetup, readonly clock: RunClock, die: (death: Death) => void) {
    this.effects = new EffectsHere(setup);
    this.self = new Self(setup, this.effects, (death, blame) => this.#die(blame, () => die(death)));
    this.books = new Books(setup, processMicros());
    this.page = new MetricsPage(setup);
    this.#work = new OwnWork(setup, this.effects, this.self);
    this.#calls = new Calls(setup, this.effects, clock, this.#waiting, this);
    this.#orders = new Orders(setup, this.effects);
    this.#share = new WorkShare(1 + setup.releases, processMicros());
    this.#slowInSlots = new SlowCounts(setup.releases);
  }

  get inFlight(): number {
    return this.#inside.size;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Mean lateness of the timers that service times are waited with. */
  get timerLateness(): number {
    return this.#waiting.lateness;
  }

  /** A request arrives: a slot, the queue, or a refusal. */
  enter(identity: Identity, caller: Caller, slot: number, reload: number, response: ServerResponse): void {
    const { service } = this.setup;
    const endpoint = service.endpoints[slot];
    const now = processMicros();
    const hop = new Hop(identity, caller, endpoint, slot, now, reload, response);
    this.effects.countArrival(endpoint.name, this.clock.now());
    if (this.#busy < this.self.slots) {
      this.#admit(hop);
      this.#begin(hop);
    } else if (this.#queue.length < service.queue) {
      this.#admit(hop);
      this.#queue.push(hop);
      this.taint(hop, this.#blameOfWaiting());
    } else {
      const blame = this.#blameOfWaiting();
      this.page.answered(endpoint.name, true, 0, blame);
      this.books.answered(slot, true, 0, blame);
      hop.state = "done";
      this.#answer(hop, REFUSED, blame);
    }
  }

  /** These releases slowed the hop; whoever waits for it, or behind it, is slowed by them, too. */
  taint(hop: Hop, mask: number): void {
    const more = mask & ~hop.slow;
    if (more === 0 || hop.state === "done") return;
    hop.slow |= more;
    if (hop.state === "in-slot") this.#slowInSlots.add(more);
    hop.hintSlow();
  }

  /** The hop is answered: books, slot, the next in the queue. */
  finish(hop: Hop, status: number, blame: number): void {
    if (hop.state === "done") return;
    const now = processMicros();
    const latency = now - hop.startedAt;
    const failed = status !== 200;
    const taint = failed ? hop.slow | blame : hop.slow;
    this.#slowInSlots.remove(hop.slow);
    hop.state = "done";
    this.#busy -= 1;
    this.#inside.delete(hop);
    this.books.left(now, latency);
    if (!this.self.silent) {
      this.page.answered(hop.endpoint.name, failed, latency, taint);
      this.books.answered(hop.slot, failed, latency, taint);
      this.#answer(hop, status, blame);
    }
    this.#serveQueue();
  }

  /** Looks again at what effects do to the replica as such. */
  refresh(): void {
    this.self.refresh(this.clock.now());
    this.#serveQueue();
  }

  gauges(lane: number): Gauges {
    const { cpu, memory, slots } = this.setup.service;
    const busy = this.#share.meanSince(processMicros(), lane);
    const { cpuAddBy, cpuAdd, grown } = this.self;
    const added = cpuAdd - (lane > 0 ? cpuAddBy[lane] : 0);
    const more = grown[0] - (lane > 0 ? grown[lane] : 0);
    let [inFlight, queue] = [0, 0];
    for (const hop of this.#inside) {
      if (lane > 0 && (hop.slow & (1 << (lane - 1))) !== 0) continue;
      inFlight += 1;
      if (hop.state === "queued") queue += 1;
    }
    return {
      cpu: Math.min(1, cpu.idle + (cpu.busy / slots) * busy + added),
      memory: Math.min(1, (memory.base + more) / memory.limit),
      inFlight, queue,
    };
  }

  destroy(): void {
    this.#calls.destroy();
  }

  /** Releases whose effects show in what one waits for here. */
  #blameOfWaiting(): number {
    return this.#slowInSlots.mask | this.self.capacityMask | this.lossMask;
  }

  /** Whatever is inside fails with it. A broken connection could not say whose fault that is, so each caller is told. */
  #die(blame: number, end: () => void): void {
    for (const hop of this.#inside) {
      hop.state = "done";
      if (blame !== 0 && !this.self.silent) this.#answer(hop, BROKEN, blame);
    }
    this.#inside.clear();
    this.#queue.length = 0;
    end();
  }

  #admit(hop: Hop): void {
    this.books.arrived(hop.startedAt);
    this.#inside.add(hop);
  }

  #serveQueue(): void {
    while (this.#queue.length > 0 && this.#busy < this.self.slots) {
      const hop = this.#queue.shift()!;
      this.taint(hop, this.#blameOfWaiting());
      this.#begin(hop);
    }
  }

  /** A slot is the hop's: it waits as long as its own work takes, then makes its calls. */
  #begin(hop: Hop): void {
    this.#busy += 1;
    const before = hop.slow;
    const started = processMicros();
    const time = this.#work.begin(hop, this.#share.now[0], this.clock.now());
    hop.state = "in-slot";
    this.#slowInSlots.add(hop.slow);
    if (hop.slow !== before) hop.hintSlow();
    const slowAtWork = hop.slow;
    this.#share.begin(started, slowAtWork);
    this.#waiting.until(started + time, () => {
      this.#share.end(processMicros(), slowAtWork);
      if (hop.fails) this.finish(hop, BROKEN, hop.blame);
      else this.#calls.next(hop, 0);
    });
  }

  #answer(hop: Hop, status: number, blame: number): void {
    const { response } = hop;
    const failed = status !== 200;
    const headers = ["content-length", "0", Header.version, this.setup.version];
    const touched = failed ? hop.slow | blame : hop.slow;
    if (touched !== 0) headers.push(Header.touched, formatReleases(touched));
    if (failed && blame !== 0) headers.push(Header.blamed, formatReleases(blame));
    if (!failed) this.#addOrder(hop, headers);
    if (response.destroyed) return;
    response.writeHead(status, headers);
    response.end();
  }

  #addOrder(hop: Hop, headers: string[]): void {
    const { lanes, lost, lostEuro, by } = this.#orders.decide(hop, this.clock.now());
    const { orderValue, name } = hop.endpoint;
    const ordered = (lanes & 1) !== 0;
    if (lanes !== 0) this.page.converted(name, orderValue, lanes);
    if (ordered) this.books.ordered(hop.slot, orderValue);
    if (ordered) headers.push(Header.order, String(orderValue));
    if (lost) headers.push(Header.lostOrder, "1");
    if (lostEuro !== 0) headers.push(Header.lostEuro, String(lostEuro));
    if (by !== 0) headers.push(Header.lostBy, formatReleases(by));
  }
}
