// How the faces speak of the world that a run took place in: computed at one of the fidelities, or live processes.

import type { Outcome } from "../sim/outcome.js";
import { duration } from "../kernel/format.js";

export interface WorldWords {
  /** `cohort fidelity`, or `live`. */
  readonly kind: string;
  /** `45m simulated`, or `2m on real processes`. */
  readonly lasted: string;
  /** What the charts' time axis starts with. */
  readonly timeRuns: string;
  /** Where the truth table's rows come from. */
  readonly twins: string;
  /** Follows the truth of a release; nothing where the twins are of the run itself. */
  readonly truthFrom: string;
  /** What the replay command gives. */
  readonly replay: string;
  /** Heads the list of what the world leaves out. */
  readonly approximations: string;
}

/** Whether the run took place on real processes. */
export const isLive = (outcome: Pick<Outcome, "fidelity">): boolean => outcome.fidelity === "live";

/** The words for this outcome's world. */
export function worldWords(outcome: Pick<Outcome, "fidelity" | "duration">): WorldWords {
  const lasted = duration(outcome.duration);
  if (isLive(outcome)) {
    return {
      kind: "live",
      lasted: `${lasted} on real processes`,
      timeRuns: "Time runs from the start of the game day.",
      twins: "From the script's twins: the release held at 100% with nobody acting, and the release never made. The processes themselves show no truth.",
      truthFrom: ", from the script's twins",
      replay: "The same game day again; its times will differ, as real ones do:",
      approximations: "What this world leaves out:",
    };
  }
  return {
    kind: `${outcome.fidelity} fidelity`,
    lasted: `${lasted} simulated`,
    timeRuns: "Time runs from the start of the simulation.",
    twins: "Two noise-free twins of this run, compared: the release held at 100% with nobody acting, and the release never made.",
    truthFrom: "",
    replay: "The same run again, to the digit:",
    approximations: `Approximations of ${outcome.fidelity} fidelity:`,
  };
}
