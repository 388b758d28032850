// What a request waits for a slot or a connection, as a distribution on the grid.

import { exactExp } from "../../kernel/exact.js";
import { gammaLower } from "../../kernel/incomplete.js";
import { massFromCdf, scaleMass, EMPTY_MASS } from "./grid.js";
import { freshId, type Wait } from "./law.js";
import type { Felt } from "./breathing.js";
import type { Waits } from "./queue-model.js";

export const NO_WAIT: Wait = { id: freshId(), none: 1, waiting: EMPTY_MASS };

/** Waits rarer than this are not worth a convolution: they change a p95 by far less than a bucket's rounding. */
const RARE = 2e-5;
/** Service means are taken in steps of 1/64 of a doubling, and squared variations in steps of 1/64: coarser ones move a busy pool's p95 by more than its engines' thresholds allow. */
const VARIATION_STEPS = 64;

/** The service that a queue's time is measured in, in the steps that waits are remembered by. */
export function steppedService(meanSeconds: number, meanSquare: number): { readonly mean: number; readonly variation: number } {
  let unit = 1e-6;
  while (unit * 2 <= meanSeconds) unit *= 2;
  const mean = Math.round((meanSeconds / unit) * 64) * (unit / 64);
  const squared = meanSeconds > 0 ? Math.max(0, meanSquare / (meanSeconds * meanSeconds) - 1) : 0;
  return { mean, variation: Math.min(16, Math.round(squared * VARIATION_STEPS) / VARIATION_STEPS) };
}

/** Shape of the gamma law of those who wait. */
function shapeOf({ waits, waitMean, waitSquare }: Waits): number {
  if (waits < RARE) return 1;
  const mean = waitMean / waits;
  const spread = Math.max(mean * mean * 1e-3, waitSquare / waits - mean * mean);
  return (mean * mean) / spread;
}

/**
 * A gamma law through the first two moments. Waiting for a chance crowd grows with the service time's variation
 * (Lee and Longton: by (1 + c^2) / 2; Allen and Cunneen for arrivals that are not Poisson), waiting in a full queue does not; the gamma's shape tells the two apart.
 */
export function waitOf({ waits: point, steady }: Felt, meanSeconds: number, variation: number, arrivalVariation = 1): Wait {
  if (point.waits < RARE) return NO_WAIT;
  const mean = point.waitMean / point.waits;
  // Less variable service makes waits more alike, too: (4 + c^2) / 5 fits simulations of two and of six replicas.
  const shape = Math.max(0.5, (5 * shapeOf(point)) / (4 + variation));
  const variability = (arrivalVariation + variation) / (arrivalVariation + 1);
  // What a tick meets is a part of what is met in the long run: its waits stretch alike.
  const stretch = 1 + (variability - 1) / Math.max(1, shapeOf(steady));
  const scale = (mean / shape) * meanSeconds * stretch;
  const nearlyExponential = shape > 0.9 && shape < 1.15;
  const mass = nearlyExponential
    ? massFromCdf((seconds) => 1 - exactExp(-seconds / (scale * shape)))
    : massFromCdf((seconds) => gammaLower(shape, seconds / scale));
  return { id: freshId(), none: 1 - point.waits, waiting: scaleMass(mass, point.waits) };
}
