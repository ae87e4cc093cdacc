// The figures of the paper's case study (19 to 25), from a condominium's own sessions. Pure: no page, no gateway.

const HOUR = 3600;
/** Figure 19 is of events of more than three hours. */
export const LONG = 3;

/**
 * Sessions that delivered energy, oldest first, with `hours`, `energyKwh` and `powerKw` (the average).
 * @param {{started: number | null, ended: number | null, energy: number | null}[]} sessions as the report has them
 */
export function charges(sessions) {
  return sessions
    .filter((each) => each.started !== null && each.ended !== null && each.energy > 0 && each.ended > each.started)
    .map((each) => {
      const hours = (each.ended - each.started) / HOUR;
      return { ...each, hours, energyKwh: each.energy / 1000, powerKw: each.energy / 1000 / hours };
    })
    .sort((a, b) => a.started - b.started);
}

/**
 * Figure 20: how many charge at the same time; a step at each start and end, with the least step before and after.
 * @param {{started: number, ended: number}[]} charged
 */
export function simultaneous(charged) {
  const changes = new Map();
  for (const { started, ended } of charged) {
    changes.set(started, (changes.get(started) ?? 0) + 1);
    changes.set(ended, (changes.get(ended) ?? 0) - 1);
  }
  const times = [...changes.keys()].sort((a, b) => a - b);
  let count = 0;
  const counts = times.map((time) => (count += changes.get(time)));
  return { times, counts };
}

/**
 * Figure 20 in one line: the share of the time with any charging in which at least `least` charged at once.
 * @param {{times: number[], counts: number[]}} steps @param {number} least
 */
export function shareOfTime({ times, counts }, least) {
  const during = (wanted) => counts.reduce((sum, count, index) => sum + (count >= wanted && index + 1 < times.length ? times[index + 1] - times[index] : 0), 0);
  const any = during(1);
  return any ? during(least) / any : 0;
}

/**
 * Figures 24 and 25: how many values lie in each stretch of `size`, from zero; all from `last` stretches on together.
 * @param {number[]} values @param {number} size @param {number} last
 */
export function distribution(values, size, last) {
  const bins = Array.from({ length: last }, (_, index) => ({ from: index * size, to: index + 1 === last ? null : (index + 1) * size, count: 0 }));
  // A value on a boundary belongs to the stretch that it ends: "six hours or less".
  for (const value of values) bins[Math.min(last - 1, Math.max(0, Math.ceil(value / size) - 1))].count += 1;
  return bins;
}

/** The share of values of at most `limit`. @param {number[]} values @param {number} limit */
export function shareWithin(values, limit) {
  return values.length ? values.filter((value) => value <= limit).length / values.length : 0;
}

/**
 * Figure 25: hours from the end of a wallet's charging to the start of its next.
 * @param {{wallet: string, started: number, ended: number}[]} charged oldest first
 */
export function pauses(charged) {
  const last = new Map();
  const found = [];
  for (const { wallet, started, ended } of charged) {
    if (last.has(wallet)) found.push(Math.max(0, (started - last.get(wallet)) / HOUR));
    last.set(wallet, ended);
  }
  return found;
}

/**
 * Figure 23: for each unit the windows of one day: waiting from the intent to the first reading, then charging.
 * @param {{unit: number, opened: number, started: number | null, ended: number | null}[]} sessions
 * @param {number} from @param {number} until Unix seconds @param {number} now where a session that goes on ends
 */
export function windows(sessions, from, until, now) {
  const units = new Map();
  for (const each of sessions) {
    const started = each.started ?? each.ended ?? now;
    const pieces = [
      ["waited", each.opened, started],
      ["charged", started, each.ended ?? now],
    ];
    for (const [kind, start, end] of pieces) {
      const piece = { kind, session: each.session, from: Math.max(from, start), to: Math.min(until, end) };
      if (piece.to > piece.from) units.set(each.unit, [...(units.get(each.unit) ?? []), piece]);
    }
  }
  return [...units].sort(([a], [b]) => a - b).map(([unit, pieces]) => ({ unit, pieces }));
}
