// What numbers have to say together (paper, figure 8a): mean, standard deviation, extremes, correlation.

/** The arithmetic mean; null of nothing. @param {ArrayLike<number>} values */
export function mean(values) {
  if (!values.length) return null;
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index];
  return sum / values.length;
}

/**
 * The standard deviation of all that was measured (divided by n, not n − 1); null of nothing.
 * @param {ArrayLike<number>} values
 */
export function deviation(values) {
  const middle = mean(values);
  if (middle === null) return null;
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += (values[index] - middle) ** 2;
  return Math.sqrt(sum / values.length);
}

/** Least and greatest; null of nothing. A spread call fails on long series. @param {ArrayLike<number>} values */
export function extent(values) {
  if (!values.length) return null;
  let least = values[0];
  let greatest = values[0];
  for (let index = 1; index < values.length; index += 1) {
    if (values[index] < least) least = values[index];
    if (values[index] > greatest) greatest = values[index];
  }
  return [least, greatest];
}

/**
 * Pearson's correlation of pairs, from −1 to 1. A pair with a null in it does not count; null where fewer than
 * three are left, or where either side never changes: there is nothing to correlate with.
 * @param {ArrayLike<number | null>} first @param {ArrayLike<number | null>} second
 */
export function correlation(first, second) {
  const a = [];
  const b = [];
  for (let index = 0; index < Math.min(first.length, second.length); index += 1) {
    if (first[index] === null || second[index] === null) continue;
    a.push(first[index]);
    b.push(second[index]);
  }
  if (a.length < 3) return null;
  const middles = [mean(a), mean(b)];
  let together = 0;
  let alone = 0;
  let other = 0;
  a.forEach((value, index) => {
    const x = value - middles[0];
    const y = b[index] - middles[1];
    together += x * y;
    alone += x * x;
    other += y * y;
  });
  return alone && other ? together / Math.sqrt(alone * other) : null;
}

/** All of them at once. @param {ArrayLike<number>} values */
export function summary(values) {
  const [least, greatest] = extent(values) ?? [null, null];
  return { count: values.length, mean: mean(values), deviation: deviation(values), least, greatest };
}
