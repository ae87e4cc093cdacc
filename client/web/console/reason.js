// Why a session gets the power that it gets, as a manager has to know it.

import { power, t } from "../shared/i18n.js";
import { reasonOf } from "../shared/reason.js";

/**
 * As the wallet says it, but for what the reader of the wallet would be sent to the manager with.
 * @param {{reason: string | null, why: {code: string, values: Record<string, number>} | null}} answer
 */
export function sentence(answer) {
  if (answer.why?.code !== "never") return reasonOf(answer);
  const { least = 0, limit = 0 } = answer.why.values;
  return t("now.never", { least: power(least), limit: power(limit) });
}
