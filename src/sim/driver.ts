// Who acts in a run: the real engines, a twin of the truth that nobody steers, or an oracle.

import type { Micros } from "../kernel/units.js";

/** What an oracle or a forced twin does about one release. */
export type ForcedAction = "disable-flag" | "roll-back";

/**
 * - `strategy`: the scenario's strategy decides.
 * - `schedule`: the strategy's steps without any check, up to full exposure, for the releases that `made` lists.
 * - `oracle`: `release` goes by the schedule, and `action` is carried out on it by the same platform, at the first
 *   scrape after its first harmed request (null: never). About other releases the strategy decides: it is the same day.
 * - `full`: every release that `made` lists goes to 100 % at once beside a stable that keeps its replicas;
 *   with `forced`, the action follows at its time. The twins of the truth.
 */
export type Driver =
  | { readonly kind: "strategy" }
  | { readonly kind: "schedule"; readonly made: readonly number[] }
  | { readonly kind: "oracle"; readonly release: number; readonly action: ForcedAction | null }
  | {
      readonly kind: "full";
      readonly made: readonly number[];
      readonly forced: { readonly release: number; readonly at: Micros; readonly action: ForcedAction } | null;
    };
