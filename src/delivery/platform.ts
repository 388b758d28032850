// The Platform port: what a strategy may ask of the place it delivers to, and what it hears back.

import type { Micros, Ratio } from "../kernel/units.js";

export type PlatformCommand =
  /** Start `replicas` of a version without traffic; done when all are ready (or timed out). */
  | { readonly kind: "deploy"; readonly service: string; readonly version: string; readonly replicas: number }
  /** Bring a version to this many replicas; done when they are ready or drained. */
  | { readonly kind: "scale"; readonly service: string; readonly version: string; readonly replicas: number }
  /** Give `version` this share of the service's traffic and stable the rest; done when the balancer has it. */
  | { readonly kind: "set-weight"; readonly service: string; readonly version: string; readonly weight: Ratio }
  /** Switch a flag; done when the flag service accepted it, effective after its propagation. */
  | { readonly kind: "set-flag"; readonly flag: string; readonly on: boolean }
  /** Bring stable to full capacity, all traffic to it, then remove `version`; done when restored. */
  | { readonly kind: "roll-back"; readonly service: string; readonly version: string; readonly to: string }
  /** Record `version` as the stable one; the old one is removed when `stable-kept-for` is over. */
  | { readonly kind: "mark-stable"; readonly service: string; readonly version: string }
  /** Wake a person. */
  | { readonly kind: "page"; readonly message: string };

export type ActionId = number;

/** What came of a command. */
export type ActionEvent =
  | { readonly type: "action.done"; readonly id: ActionId; readonly at: Micros; readonly effectiveAt: Micros }
  | { readonly type: "action.failed"; readonly id: ActionId; readonly at: Micros; readonly why: string }
  | { readonly type: "action.timed-out"; readonly id: ActionId; readonly at: Micros; readonly after: Micros };

/** The simulated cluster, or a live one. */
export interface Platform {
  /** Starts the command; `heard` is called later with the one event that ends it. */
  send(id: ActionId, command: PlatformCommand, heard: (event: ActionEvent) => void): void;
  /** The recorded stable version and the replicas it runs at full capacity. */
  stable(service: string): { readonly version: string; readonly replicas: number };
}
