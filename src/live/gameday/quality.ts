// Whether a game day's own measurement can be believed, window by window.

import type { Clock } from "../../kernel/clock.js";
import { seconds, type Micros, type Ratio } from "../../kernel/units.js";
import { percent } from "../../kernel/format.js";
import { LATE_SEND, type Pulse, type Report } from "../process/protocol.js";

/** With more of them sent late (LATE_SEND), latencies say more about the load generator than about the services. */
const MAX_LATE_SHARE: Ratio = 0.01;
/** Below this share of what was to be sent, throughput and error rates are those of another traffic. */
export const MIN_SENT_SHARE: Ratio = 0.99;
/** The load generator reports every half second: less than this may pass without a report. */
const REPORTS_WITHIN: Micros = seconds(1);
/** Fewer requests than these say nothing about the share that was sent: one that is just due is not late. */
const MIN_INTENDED = 100;

type LoadBooks = Extract<Report, { readonly type: "load-books" }>;
type ProxyState = Extract<Report, { readonly type: "proxy-state" }>;

/** How well the load was sent, and how well the machine kept up, in a stretch of about half a second. */
export interface QualitySample {
  readonly at: Micros;
  /** Since the sample before. */
  readonly intended: number;
  readonly sent: number;
  readonly late: number;
  readonly sendLagP50: Micros;
  readonly sendLagP99: Micros;
  readonly loadPulse: Pulse;
  /** Of the proxy's last report. */
  readonly proxyOwnP95: Micros;
  readonly proxyEventLoopP99: Micros;
}

/** One window's verdict. */
export interface QualityWindow {
  readonly from: Micros;
  readonly to: Micros;
  readonly comparable: boolean;
  /** Why not, in words; empty when it is. */
  readonly why: string;
  /** Share of requests sent more than LATE_SEND late: above 1 % the p99 of the send lag is beyond it. */
  readonly lateShare: Ratio;
  readonly sentShare: Ratio;
  /** Of the worst half second. */
  readonly sendLagP99: Micros;
  readonly eventLoopP99: Micros;
  readonly proxyOwnP95: Micros;
}

export class Quality {
  readonly samples: QualitySample[] = [];
  readonly #clock: Clock;
  #intended = 0;
  #sent = 0;
  #late = 0;
  #proxy: ProxyState | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hearProxy(report: ProxyState): void {
    this.#proxy = report;
  }

  hearLoad(report: LoadBooks): void {
    const at = this.#clock.now();
    if (at >= 0) {
      this.samples.push({
        at, intended: report.intended - this.#intended, sent: report.sent - this.#sent, late: report.sentLate - this.#late,
        sendLagP50: report.sendLagP50, sendLagP99: report.sendLagP99, loadPulse: report.pulse,
        proxyOwnP95: this.#proxy?.ownMicrosP95 ?? 0, proxyEventLoopP99: this.#proxy?.pulse.eventLoopP99 ?? 0,
      });
    }
    this.#intended = report.intended;
    this.#sent = report.sent;
    this.#late = report.sentLate;
  }

  /**
   * Windows of `width` from 0 to `end`; a stretch without a single report is not comparable. A last one that is too short
   * for a report is left out: nothing is wrong with it, and nothing is known of it.
   */
  windows(width: Micros, end: Micros): readonly QualityWindow[] {
    const count = Math.ceil(end / width);
    const windows = Array.from({ length: count }, (_, k) => this.window(k * width, Math.min(end, (k + 1) * width)));
    return windows.filter(({ from, to }) => to - from >= REPORTS_WITHIN || this.samples.some(({ at }) => at > from && at <= to));
  }

  /** The verdict on any stretch. */
  window(from: Micros, to: Micros): QualityWindow {
    const inside = this.samples.filter(({ at }) => at > from && at <= to);
    const sum = (of: (sample: QualitySample) => number): number => inside.reduce((total, sample) => total + of(sample), 0);
    const worst = (of: (sample: QualitySample) => number): number => inside.reduce((most, sample) => Math.max(most, of(sample)), 0);
    const intended = sum(({ intended: each }) => each);
    const sentShare = intended === 0 ? 1 : sum(({ sent: each }) => each) / intended;
    const sent = sum(({ sent: each }) => each);
    const lateShare = sent === 0 ? 0 : sum(({ late }) => late) / sent;
    const reasons = [
      ...(inside.length === 0 ? ["the load generator did not report"] : []),
      ...(lateShare > MAX_LATE_SHARE ? [`${percent(lateShare)} of requests were sent more than ${LATE_SEND / 1_000} ms late`] : []),
      ...(intended >= MIN_INTENDED && sentShare < MIN_SENT_SHARE ? [`only ${percent(sentShare)} of the intended requests were sent`] : []),
    ];
    return {
      from, to, comparable: reasons.length === 0, why: reasons.join(", "), lateShare, sentShare, sendLagP99: worst(({ sendLagP99 }) => sendLagP99),
      eventLoopP99: worst(({ loadPulse, proxyEventLoopP99 }) => Math.max(loadPulse.eventLoopP99, proxyEventLoopP99)),
      proxyOwnP95: worst(({ proxyOwnP95 }) => proxyOwnP95),
    };
  }
}

/** Windows for a report when nothing says how wide: long enough for a share of sent requests to mean something. */
export const QUALITY_WINDOW: Micros = seconds(10);
