// Birth-and-death chains: what a queue is, once its arrivals and departures are known.

/** Stationary shares of a birth-and-death chain, computed from its peak outwards so that nothing overflows. */
export function stationary(up: Float64Array, down: Float64Array): Float64Array {
  const share = new Float64Array(up.length);
  let peak = 0;
  while (peak + 1 < up.length && up[peak] > down[peak + 1]) peak += 1;
  share[peak] = 1;
  for (let n = peak + 1; n < up.length; n += 1) share[n] = (share[n - 1] * up[n - 1]) / down[n];
  for (let n = peak - 1; n >= 0; n -= 1) share[n] = up[n] > 0 ? (share[n + 1] * down[n + 1]) / up[n] : n === 0 && peak === 0 ? 1 : 0;
  let total = 0;
  for (const one of share) total += one;
  for (let n = 0; n < share.length; n += 1) share[n] /= total;
  return share;
}
