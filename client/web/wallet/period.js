// Days, weeks, months and years in the reader's own time, and what they are divided into for bars.

import { moment, t } from "../shared/i18n.js";

export const PERIODS = ["day", "week", "month", "year"];

const unix = (date) => Math.floor(date.getTime() / 1000);

/** The span of the period `back` before the one of now: `[since, until]`, Unix seconds. @param {string} period @param {number} back */
export function spanOf(period, back) {
  const now = new Date();
  const [year, month, day] = [now.getFullYear(), now.getMonth(), now.getDate()];
  const monday = day - ((now.getDay() + 6) % 7);
  const edges = {
    day: (step) => new Date(year, month, day + step),
    week: (step) => new Date(year, month, monday + 7 * step),
    month: (step) => new Date(year, month + step, 1),
    year: (step) => new Date(year + step, 0, 1),
  }[period];
  return [unix(edges(-back)), unix(edges(1 - back))];
}

/** What a span is called. @param {string} period @param {[number, number]} span */
export function titleOf(period, [since, until]) {
  if (period === "day") return moment(since, { dateStyle: "full" });
  if (period === "month") return moment(since, { month: "long", year: "numeric" });
  if (period === "year") return moment(since, { year: "numeric" });
  const day = { day: "numeric", month: "short" };
  return t("period.from-to", { from: moment(since, day), to: moment(until - 1, day) });
}

/** A span's hours, days or months: `{since, until, label, long}`. @param {string} period @param {[number, number]} span */
export function bucketsOf(period, [since, until]) {
  const buckets = [];
  for (let start = new Date(since * 1000); unix(start) < until; ) {
    const end = new Date(start);
    if (period === "day") end.setTime(start.getTime() + 3_600_000);
    else if (period === "year") end.setMonth(end.getMonth() + 1);
    else end.setDate(end.getDate() + 1);
    buckets.push({ since: unix(start), until: Math.min(until, unix(end)), ...namesOf(period, unix(start)) });
    start = end;
  }
  return buckets;
}

function namesOf(period, start) {
  if (period === "day") return { label: String(new Date(start * 1000).getHours()), long: moment(start, { hour: "2-digit", minute: "2-digit" }) };
  if (period === "week") return { label: moment(start, { weekday: "short" }), long: moment(start, { dateStyle: "full" }) };
  if (period === "month") return { label: String(new Date(start * 1000).getDate()), long: moment(start, { dateStyle: "full" }) };
  return { label: moment(start, { month: "narrow" }), long: moment(start, { month: "long", year: "numeric" }) };
}
