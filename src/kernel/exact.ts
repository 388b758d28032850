// Elementary functions that give the same bits on every machine: JavaScript promises that only for + - * / and sqrt.

// The polynomials below are Chebyshev fits, each computed in 40 digits to an error below 1e-17.

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
double[0] = 1;
/** Where a double's high word lies in `words`: it depends on the machine's byte order. */
const HIGH = words[1] === 0 ? 0 : 1;
const LOW = 1 - HIGH;

/** ln 2 in three parts; the first has 21 trailing zero bits, so that its product with an exponent is exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const LN2 = 0.6931471805599453;
const LN2_LOWEST = 1.1612227229362532e-26;
const INVERSE_LN2 = 1.4426950408889634;
/** The fraction bits in the high word of sqrt 2. */
const SQRT2_FRACTION = 0x6a09e;
const TWO_THIRDS = 0.6666666666666666;
const TWO_POW_54 = 18014398509481984;
const MIN_NORMAL = 2.2250738585072014e-308;
/** Beyond these e^x is not a finite double, or is zero. */
const EXP_OVERFLOW = 709.782712893384;
const EXP_UNDERFLOW = -745.1332191019412;

/** POWERS[1024 + k] = 2^k for k from -1024 to 1023: a product with one costs less than writing its bits. */
const POWERS = new Float64Array(2048);
POWERS[1024] = 1;
for (let k = 1; k <= 1024; k += 1) {
  POWERS[1024 - k] = 0.5 * POWERS[1025 - k];
  if (k < 1024) POWERS[1024 + k] = 2 * POWERS[1023 + k];
}

/** The exponent k of x = m 2^k > 0 (normal) with m in [sqrt 1/2, sqrt 2). */
function exponent(x: number): number {
  double[0] = x;
  const high = words[HIGH];
  return (high >>> 20) - 1023 + ((high & 0x000fffff) >= SQRT2_FRACTION ? 1 : 0);
}

/** x 2^k, also where 2^k alone leaves the range of doubles. */
function scale(x: number, k: number): number {
  if (k > 1023) return scale(x * POWERS[2047], k - 1023);
  // The step is 2^-969, so that a result below the normal range is rounded once only.
  if (k < -1022) return scale(x * POWERS[55], k + 969);
  return x * POWERS[1024 + k];
}

/**
 * log((1 + s) / (1 - s)) = 2 s + s z (2/3 + z logTail(z)) with z = s^2, for the mantissas above:
 * the terms from 2/5 on.
 */
function logTail(z: number): number {
  return (
    0.40000000000000885 +
    z *
      (0.28571428570799784 +
        z *
          (0.22222222392581045 +
            z *
              (0.18181795547521137 +
                z * (0.15386244737621665 + z * (0.13268638369266825 + z * 0.13088034850927555)))))
  );
}

/** The natural logarithm, within one unit in the last place. */
export function exactLog(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return Infinity;
  if (x < MIN_NORMAL) return exactLog(x * TWO_POW_54) - 54 * LN2;
  const k = exponent(x);
  const f = x * POWERS[1024 - k] - 1;
  const s = f / (2 + f);
  const half = 0.5 * f * f;
  const z = s * s;
  const correction = s * (half + z * (TWO_THIRDS + z * logTail(z)));
  if (k === 0) return f - (half - correction);
  return k * LN2_HIGH - (half - (correction + k * LN2_LOW) - f);
}

/** (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2. */
function expSeries(r: number): number {
  return (
    0.5 +
    r *
      (0.1666666666666667 +
        r *
          (0.04166666666666667 +
            r *
              (0.008333333333326136 +
                r *
                  (0.0013888888888883748 +
                    r *
                      (0.00019841269874820627 +
                        r *
                          (2.4801587325547743e-5 +
                            r *
                              (2.7557255400206422e-6 +
                                r *
                                  (2.75572736431103e-7 +
                                    r * (2.5105217004720745e-8 + r * 2.0914686968086876e-9)))))))))
  );
}

/** e^x, within one unit in the last place. */
export function exactExp(x: number): number {
  if (x > EXP_OVERFLOW) return Infinity;
  if (x < EXP_UNDERFLOW) return 0;
  if (x !== x) return NaN;
  return expOfSum(x, 0);
}

/** e^(x + tail) for a tail far smaller than x. */
function expOfSum(x: number, tail: number): number {
  const k = Math.floor(x * INVERSE_LN2 + 0.5);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW - tail;
  const r = high - low;
  const lost = high - r - low;
  const y = 1 + (r + (r * r * expSeries(r) + lost));
  if (k === 0) return y;
  return scale(y, k);
}

/** log(1 + x), accurate for small x too. */
export function log1p(x: number): number {
  if (x <= -1) return x === -1 ? -Infinity : NaN;
  if (x === Infinity) return Infinity;
  const u = 1 + x;
  if (u === 1) return x;
  // The rounding of 1 + x is known exactly, and the logarithm is nearly straight over so short a way.
  const lost = x < 1 ? x - (u - 1) : 1 - (u - x);
  return exactLog(u) + lost / u;
}

/** e^x - 1, accurate for small x too. */
export function expm1(x: number): number {
  if (x > -0.34 && x < 0.34) return x + x * x * expSeries(x);
  return exactExp(x) - 1;
}

const SPLIT = 134217729;

/** What rounding took from `product` = a b (Dekker 1971). */
function productError(a: number, b: number, product: number): number {
  const aWide = SPLIT * a;
  const aHigh = aWide - (aWide - a);
  const aLow = a - aHigh;
  const bWide = SPLIT * b;
  const bHigh = bWide - (bWide - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

const THIRD_HIGH = 0.3333333333333333;
const THIRD_LOW = 1.850371707708594e-17;
const LOG_LIMIT = 746;

/** x^y for all x and y as IEEE 754 has it (pow(1, NaN) and pow(-1, Infinity) are NaN, as in JavaScript). */
export function exactPow(x: number, y: number): number {
  if (y === 0) return 1;
  if (x !== x || y !== y) return NaN;
  if (y === 1) return x;
  const odd = y === Math.floor(y) && Math.abs(y) < 9007199254740992 && y % 2 !== 0;
  if (y === Infinity || y === -Infinity) {
    const size = Math.abs(x);
    if (size === 1) return NaN;
    return size > 1 === y > 0 ? Infinity : 0;
  }
  if (x === 0) return y > 0 ? (odd ? x : 0) : odd ? 1 / x : Infinity;
  if (x === Infinity || x === -Infinity) {
    const size = y > 0 ? Infinity : 0;
    return x < 0 && odd ? -size : size;
  }
  if (x < 0) {
    if (y !== Math.floor(y)) return NaN;
    return odd ? -positivePow(-x, y) : positivePow(-x, y);
  }
  return positivePow(x, y);
}

function positivePow(x: number, y: number): number {
  if (x === 1) return 1;
  if (y === 2) return x * x;
  if (y === 0.5) return Math.sqrt(x);
  if (y === -1) return 1 / x;
  // A whole power whose steps are all exact is exact: 10^15 is no place for a rounding error.
  if (y > 2 && y <= 53 && y === Math.floor(y) && x === Math.floor(x) && x < 67108864) {
    const whole = wholePow(x, y);
    if (whole < 9007199254740992) return whole;
  }
  return powByLogarithm(x, y);
}

function wholePow(x: number, y: number): number {
  let result = 1;
  let square = x;
  for (let rest = y; ; square *= square) {
    if (rest % 2 === 1) result *= square;
    rest = Math.floor(rest / 2);
    if (rest === 0) return result;
  }
}

/** e^(y log x), with the logarithm carried in two doubles so that a large y does not magnify its error. */
function powByLogarithm(x: number, y: number): number {
  const lift = x < MIN_NORMAL ? 54 : 0;
  const normal = lift === 0 ? x : x * TWO_POW_54;
  const e = exponent(normal);
  const k = e - lift;
  const f = normal * POWERS[1024 - e] - 1;
  const below = 2 + f;
  const belowLost = f - (below - 2);
  // s = f / (2 + f) and z = s^2, both in two doubles.
  const s = f / below;
  const back = s * below;
  const sLow = (f - back - productError(s, below, back) - s * belowLost) / below;
  const z = s * s;
  const zLow = productError(s, s, z) + 2 * s * sLow;
  // log m = 2 s (1 + z / 3 + z^2 logTail / 2); only the first terms need the second double.
  const tail = 0.5 * z * z * logTail(z);
  const third = z * THIRD_HIGH;
  const thirdLow = productError(z, THIRD_HIGH, third) + z * THIRD_LOW + zLow * THIRD_HIGH;
  const series = third + tail;
  const seriesLow = third - series + tail + thirdLow;
  const bend = 2 * s * series;
  const bendLow = productError(2 * s, series, bend) + 2 * (s * seriesLow + sLow * series);
  // Sum the parts from large to small, keeping what each addition loses.
  const whole = k * LN2_HIGH;
  let sum = whole + 2 * s;
  let low = Math.abs(whole) > Math.abs(2 * s) ? whole - sum + 2 * s : 2 * s - sum + whole;
  const total = sum + bend;
  low += sum - total + bend;
  sum = total;
  low += bendLow + 2 * sLow + k * LN2_LOW + k * LN2_LOWEST;
  const high = sum + low;
  low = sum - high + low;
  const power = y * high;
  if (power > LOG_LIMIT) return Infinity;
  if (power < -LOG_LIMIT) return 0;
  return expOfSum(power, productError(y, high, power) + y * low);
}

const TWO_POW_26_MASK = ~0x07ffffff;

/**
 * The chance that a standard normal variable is at most x, to about 1e-15 of the smaller tail.
 * The tail is e^(-x^2 / 2) / (1 + x) times a Chebyshev series in (x - 4) / (x + 4).
 */
export function normalCdf(x: number): number {
  if (x !== x) return NaN;
  return x > 0 ? 1 - normalTail(x) : normalTail(-x);
}

/** The chance that a standard normal variable exceeds x >= 0. */
function normalTail(x: number): number {
  if (x > 39) return 0;
  // The square of the leading half of x is exact; without this the exponent's rounding grows with x^2.
  double[0] = x;
  words[LOW] &= TWO_POW_26_MASK;
  const head = double[0];
  const kernel = exactExp(-0.5 * head * head) * exactExp(-0.5 * (x - head) * (x + head));
  return (kernel * chebyshev(TAIL_SERIES, (x - 4) / (x + 4))) / (1 + x);
}

/** Clenshaw's sum of c[k] T_k(t). */
function chebyshev(coefficients: Float64Array, t: number): number {
  let next = 0;
  let afterNext = 0;
  for (let k = coefficients.length - 1; k > 0; k -= 1) {
    const here = coefficients[k] + 2 * t * next - afterNext;
    afterNext = next;
    next = here;
  }
  return coefficients[0] + t * next - afterNext;
}

const TAIL_SERIES = Float64Array.of(
  0.4655865996963784, -0.06423751712334332, -0.011171509596721219, 0.01263630599437623,
  -0.004828490640131744, 0.0010793834106156014, -0.0001194099520285248, -6.8485883776766764e-6,
  4.060629718065491e-6, -1.9527544708338363e-7, -1.1345944386467565e-7, 1.227397138426542e-8,
  3.662441203341559e-9, -5.088948506210621e-10, -1.4602402012093163e-10, 1.8321966529064227e-11,
  6.857544400027546e-12, -5.077272058049455e-13, -3.458064365204774e-13, 4.412922855809207e-16,
  1.7054866572266912e-14, 1.5123653278115068e-15, -7.370100783416678e-16, -1.6124885584264884e-16,
  2.130692627650816e-17, 1.1734807140572405e-17,
);

/** The inverse of normalCdf, to about 1e-15 relative: algorithm AS 241, PPND16 (Wichura 1988). */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (
      (q *
        (((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r +
          45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r +
          133.14166789178437745) * r + 3.387132872796366608)) /
      (((((((5226.495278852854561 * r + 28729.085735721942674) * r + 39307.89580009271061) * r +
        21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r +
        42.313330701600911252) * r + 1)
    );
  }
  const tail = q < 0 ? p : 1 - p;
  if (!(tail > 0)) return tail === 0 ? (q < 0 ? -Infinity : Infinity) : NaN;
  const r = Math.sqrt(-exactLog(tail));
  const size = r <= 5 ? quantileNear(r - 1.6) : quantileFar(r - 5);
  return q < 0 ? -size : size;
}

function quantileNear(r: number): number {
  return (
    (((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r +
      1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055) * r +
      4.6303378461565452959) * r + 1.42343711074968357734) /
    (((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r +
      0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494) * r +
      2.05319162663775882187) * r + 1)
  );
}

function quantileFar(r: number): number {
  return (
    (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r +
      0.026532189526576123093) * r + 0.29656057182850489123) * r + 1.7848265399172913358) * r +
      5.4637849111641143699) * r + 6.6579046435011037772) /
    (((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r +
      7.868691311456132591e-4) * r + 0.0148753612908506148525) * r + 0.13692988092273580531) * r +
      0.59983220655588793769) * r + 1)
  );
}

/** ln(2 pi) / 2. */
const HALF_LN_TWO_PI = 0.9189385332046728;

/** The logarithm of the gamma function for x > 0, to about 1e-15 relative. */
export function logGamma(x: number): number {
  if (!(x > 0)) return x === 0 ? Infinity : NaN;
  if (x < 1) return logGammaOneToThree(x + 1) - exactLog(x);
  if (x <= 3) return logGammaOneToThree(x);
  if (x < 10) {
    let product = 1;
    let rest = x;
    while (rest > 3) {
      rest -= 1;
      product *= rest;
    }
    return exactLog(product) + logGammaOneToThree(rest);
  }
  if (x === Infinity) return Infinity;
  return (x - 0.5) * (exactLog(x) - 1) - 0.5 + HALF_LN_TWO_PI + stirlingError(x);
}

/**
 * log gamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2) for x >= 10: the Bernoulli terms of Stirling's series.
 */
export function stirlingError(x: number): number {
  const z = 1 / (x * x);
  return (
    (0.08333333333333333 +
      z *
        (-0.002777777777777778 +
          z *
            (0.0007936507936507937 +
              z *
                (-0.0005952380952380953 +
                  z * (0.0008417508417508417 + z * (-0.0019175269175269176 + z * 0.00641025641025641)))))) /
    x
  );
}

/** The zeros at 1 and 2 are factored out, so that the relative accuracy holds there as well. */
function logGammaOneToThree(x: number): number {
  return (x - 1) * (x - 2) * chebyshev(LOG_GAMMA_SERIES, x - 2);
}

const LOG_GAMMA_SERIES = Float64Array.of(
  0.44148902545501423, -0.11119580321752523, 0.01951044826068884, -0.003922461463025264,
  0.0008478989895953857, -0.00019153855341365593, 4.454470184975607e-5, -1.05728743735943e-5,
  2.5474336873408417e-6, -6.208535880776316e-7, 1.5268677399071546e-7, -3.782637660291326e-8,
  9.428100823624284e-9, -2.361999702184645e-9, 5.943541905817546e-10, -1.501312977072867e-10,
  3.8050196458110534e-11, -9.672485299656325e-12, 2.465348198355661e-12, -6.298868140791711e-13,
  1.6128460030283787e-13, -4.137949206814042e-14, 1.0635701227757898e-14, -2.7382420786652826e-15,
  7.060670507214892e-16, -1.8232177141662118e-16, 4.714169006756272e-17, -1.2204107319639856e-17,
  3.1630451661790255e-18,
);
