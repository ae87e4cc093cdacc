// A tariff's week: from a person's rules to the minutes at which a band begins, and back. Pure.

const DAY = 1440;

/** Which days a rule is for; 0 is Monday. */
const DAYS = { all: [0, 1, 2, 3, 4, 5, 6], working: [0, 1, 2, 3, 4], weekend: [5, 6], ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6].map((day) => [`${day}`, [day]])) };
export const KINDS_OF_DAY = ["all", "working", "weekend", "0", "1", "2", "3", "4", "5", "6"];

/** The rules that make a week's changes: `weekOf` the other way round. @param {{minute: number, band: number}[]} week */
export function rulesOf(week) {
  const days = new Map();
  for (const { minute, band } of week) {
    const key = `${minute % DAY}/${band}`;
    days.set(key, [...(days.get(key) ?? []), Math.floor(minute / DAY)]);
  }
  return [...days].flatMap(([key, found]) => {
    const [minute, band] = key.split("/").map(Number);
    const time = `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
    const kind = ["all", "working", "weekend"].find((each) => DAYS[each].length === found.length && DAYS[each].every((day) => found.includes(day)));
    return (kind ? [kind] : found.map(String)).map((each) => ({ days: each, time, band }));
  });
}

/**
 * The changes of a week, as the gateway takes them, from rules such as "from 22:00 on every day: night".
 * @param {{days: string, time: string, band: number}[]} rules
 */
export function weekOf(rules) {
  const changes = new Map();
  for (const { days, time, band } of rules) {
    const [hours, minutes] = time.split(":").map(Number);
    for (const day of DAYS[days]) changes.set(day * DAY + hours * 60 + minutes, band);
  }
  const sorted = [...changes].sort(([a], [b]) => a - b).map(([minute, band]) => ({ minute, band }));
  if (!sorted.length) return [];
  // The week begins with what Sunday ended with.
  if (sorted[0].minute !== 0) sorted.unshift({ minute: 0, band: sorted.at(-1).band });
  return sorted.filter((each, index) => index === 0 || each.band !== sorted[index - 1].band);
}
