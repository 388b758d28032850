// When the first of many happens: the smallest of so many uniform points.

/** Where the first of n uniform points of (0, 1) lies, at the quantile u. */
export function firstOf(u: number, n: number): number {
  if (n <= 1) return u;
  let [low, high] = [0, 1];
  for (let i = 0; i < 40; i += 1) {
    const middle = (low + high) / 2;
    if (chanceBefore(middle, n) < u) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** 1 - (1 - x)^n by squaring, for whole n; fractions count as the next whole. */
function chanceBefore(x: number, n: number): number {
  let result = 1;
  let base = 1 - x;
  for (let rest = Math.ceil(n); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= base;
    base *= base;
  }
  return 1 - result;
}
