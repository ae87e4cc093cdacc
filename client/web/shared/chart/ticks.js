// Round numbers for an axis.

/**
 * From zero (or below) to at least `greatest` in about `count` steps of 1, 2, 2.5 or 5 times a power of ten.
 * @param {number} greatest @param {number} [count] @param {number} [least]
 */
export function ticks(greatest, count = 4, least = 0) {
  const bottom = Math.min(0, least);
  const range = greatest - bottom || 1;
  const rough = range / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough * 0.999);
  const from = Math.floor(bottom / step);
  const to = Math.max(from + 1, Math.ceil((bottom + range) / step - 1e-9));
  return Array.from({ length: to - from + 1 }, (_, index) => (from + index) * step);
}

/** Digits after the point that tell neighbouring ticks apart. @param {number[]} values */
export function digits(values) {
  const step = Math.abs((values[1] ?? 1) - (values[0] ?? 0)) || 1;
  const exact = step.toPrecision(3).replace(/0+$/, "");
  return Math.max(0, Math.min(4, (exact.split(".")[1] ?? "").length));
}
