// What readings cost under a tariff, as the ledger decides it (chaincode/settlement.py, chaincode/tariff.py).

const WEEK = 7 * 1440;
// 1 January 1970 was a Thursday; a week here begins on Monday.
const MONDAY = 3 * 1440;
const BOUNDARY_TOLERANCE = 5;
const COMPLETE_AND_CONNECTED = 16 | 8;
// mW, as in the rules: where more was drawn between two readings the car charged.
const IDLE_POWER = 345_000;
const MWH_PER_KWH = 1_000_000n;
const MILLIONTHS = 1_000_000n;

/** The index of the band in force. @param {object} tariff @param {number} time Unix seconds */
export function bandAt(tariff, time) {
  if (!tariff.week.length) return 0;
  const offset = tariff.offsets.findLast(({ start }) => start <= time) ?? tariff.offsets[0];
  const minute = (Math.floor((time + offset.seconds) / 60) + MONDAY) % WEEK;
  return tariff.week.findLast((change) => change.minute <= minute).band;
}

/** The instants between `start` and `end` at which another band comes into force. */
export function boundaries(tariff, start, end) {
  if (!tariff.week.length || tariff.bands.length === 1) return [];
  const found = [];
  // Offsets and changes fall on whole minutes, so looking at each minute finds them all.
  for (let time = Math.floor(start / 60) * 60 + 60; time < end; time += 60) {
    if (bandAt(tariff, time - 1) !== bandAt(tariff, time)) found.push(time);
  }
  return found;
}

/**
 * The charging periods after the segment between two readings; `limit` is the most mWh billed, or null.
 * @param {{band: number, energy: number, idle: number}[]} usage
 */
export function addSegment(usage, tariff, before, after, limit) {
  const drawn = after.register - before.register;
  let energy = drawn;
  if (limit !== null) energy = Math.min(energy, Math.max(0, limit - usage.reduce((sum, each) => sum + each.energy, 0)));
  const isIdle = [before, after].every(({ flags }) => (flags & COMPLETE_AND_CONNECTED) === COMPLETE_AND_CONNECTED);
  const seconds = after.time - before.time;
  const idle = isIdle && drawn * 3600 <= IDLE_POWER * seconds ? seconds : 0;
  if (!energy && !idle) return usage;
  const band = bandOf(tariff, before.time, after.time, energy, idle);
  const known = usage.find((each) => each.band === band) ?? { band, energy: 0, idle: 0 };
  const changed = { band, energy: known.energy + energy, idle: known.idle + idle };
  return [...usage.filter((each) => each.band !== band), changed].sort((a, b) => a.band - b.band);
}

/** What `usage` costs in minor units: rounded down, once, and never above the escrow. */
export function cost(tariff, usage, decimals, escrow) {
  if (!usage.some((each) => each.energy)) return 0;
  const total = usage.reduce((sum, { band, energy, idle }) => sum + price(tariff, band, energy, idle), 0n);
  const minor = (total * 10n ** BigInt(decimals)) / (60n * MWH_PER_KWH * MILLIONTHS);
  return Math.min(escrow, tariff.start_fee + Number(minor));
}

function bandOf(tariff, start, end, energy, idle) {
  const inside = boundaries(tariff, start + BOUNDARY_TOLERANCE, end - BOUNDARY_TOLERANCE);
  if (!inside.length) return bandAt(tariff, Math.floor((start + end) / 2));
  const touched = new Set([bandAt(tariff, start + BOUNDARY_TOLERANCE), ...inside.map((time) => bandAt(tariff, time))]);
  return [...touched]
    .sort((a, b) => a - b)
    .reduce((best, band) => (price(tariff, band, energy, idle) < price(tariff, best, energy, idle) ? band : best));
}

function price(tariff, band, energy, idle) {
  const prices = tariff.bands[band];
  return 60n * BigInt(energy) * BigInt(prices.energy_price) + BigInt(idle) * BigInt(prices.idle_price) * MWH_PER_KWH;
}
