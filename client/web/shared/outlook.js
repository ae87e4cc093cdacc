// When a session is expected to begin and to be done, as the scheduler sees it (docs/rest.md, `expected_finish`).

import { moment, t } from "./i18n.js";

/** Seconds ahead for which the time of day alone names a moment. */
const TODAY = 20 * 3600;

/**
 * The sentence for a session that is under way; null where nothing can be expected.
 * @param {{expected_start: number | null, expected_finish: number | null, energy_limit: number | null, deadline: number}} session
 * @param {number} [now] Unix seconds
 */
export function outlookOf({ expected_start: start, expected_finish: finish, energy_limit: asked, deadline }, now = Date.now() / 1000) {
  if (!finish) return null;
  if (finish <= now) return t("outlook.soon");
  const done = clock(finish, now);
  if (start && start >= deadline) return t("outlook.missed", { deadline: clock(deadline, now) });
  if (start) return t("outlook.queued", { start: clock(Math.max(start, now), now), done });
  // Where no energy was asked for, it is money or time that ends, and most cars are full before.
  return t(asked ? "outlook.charging" : "outlook.latest", { done });
}

function clock(seconds, now) {
  const time = { hour: "2-digit", minute: "2-digit" };
  return moment(seconds, seconds - now < TODAY ? time : { weekday: "short", ...time });
}
