// Service times on the latency grid, stretched by a factor and shifted by what effects add.

import { exactExp, exactLog, normalCdf } from "../../kernel/exact.js";
import { gammaLower } from "../../kernel/incomplete.js";
import { toSeconds } from "../../kernel/units.js";
import type { DurationSpec } from "../spec.js";
import { atom, massFromCdf, type Mass } from "./grid.js";

/** The 95 % quantile of the standard normal distribution. */
const Z95 = 1.6448536269514722;

/** The duration's distribution: `factor` times as long, then `addSeconds` more. */
export function durationMass(time: DurationSpec, factor: number, addSeconds: number): Mass {
  if (time.kind === "constant") return atom(toSeconds(time.value) * factor + addSeconds);
  const cdf = durationCdf(time);
  return massFromCdf((seconds) => (seconds <= addSeconds ? 0 : cdf((seconds - addSeconds) / factor)));
}

/** P(duration <= seconds). */
function durationCdf(time: Exclude<DurationSpec, { kind: "constant" }>): (seconds: number) => number {
  switch (time.kind) {
    case "lognormal": {
      const median = toSeconds(time.p50);
      const sigma = exactLog(time.p95 / time.p50) / Z95;
      if (sigma <= 0) return (seconds) => (seconds >= median ? 1 : 0);
      return (seconds) => (seconds <= 0 ? 0 : normalCdf(exactLog(seconds / median) / sigma));
    }
    case "exponential": {
      const mean = toSeconds(time.mean);
      return (seconds) => 1 - exactExp(-seconds / mean);
    }
    case "gamma": {
      const scale = toSeconds(time.mean) / time.shape;
      return (seconds) => gammaLower(time.shape, seconds / scale);
    }
    case "uniform": {
      const from = toSeconds(time.from);
      const width = toSeconds(time.to) - from;
      return (seconds) => Math.min(1, Math.max(0, (seconds - from) / width));
    }
  }
}
