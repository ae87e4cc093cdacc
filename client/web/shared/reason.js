// Why a session gets the power that it gets, in the reader's language (docs/rest.md, `why`).

import { duration, number, power, t } from "./i18n.js";

const KNOWN = new Set([
  "charging", "shared", "queued", "clearing", "never", "occupied", "offline", "switch-failed", "full", "ending",
]);

/**
 * The sentence for a session or unit as the gateway answered it; null where there is nothing to say. A code that this
 * page does not know yet is told in the gateway's own words.
 * @param {{reason: string | null, why: {code: string, values: Record<string, number>} | null}} answer
 */
export function reasonOf({ reason, why }) {
  if (!why || !KNOWN.has(why.code)) return reason;
  const { current = 0, maximum = 0, position = 1, wait, least = 0, limit = 0 } = why.values;
  const amperes = (value) => `${number(value / 1000, 1)} A`;
  return t(`why.${why.code}`, {
    current: amperes(current),
    maximum: amperes(maximum),
    position,
    wait: wait === undefined ? t("wait.unknown") : t("wait.about", { time: duration(Math.max(60, wait)) }),
    least: power(least),
    limit: power(limit),
  });
}
