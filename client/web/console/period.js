// Periods that reports are about: from a day to a day, both included, by the reader's clock.

import { useState } from "preact/hooks";

import { html } from "../shared/html.js";
import { t } from "../shared/i18n.js";

const DAY = 86_400;
const PRESETS = [7, 30, 90, 365];

/** The last `days` days with today. @param {number} days */
export function lastDays(days) {
  const until = midnight(new Date(), 1);
  return { since: midnight(new Date(), 1 - days), until };
}

/** As the gateway's reports are asked. @param {{since: number, until: number}} span */
export function query({ since, until }) {
  return `since=${since}&until=${until}`;
}

/**
 * A period and the fields to choose it by. Returns `[span, fields]`.
 * @param {number} [days] what is chosen at first
 */
export function usePeriod(days = 30) {
  const [span, setSpan] = useState(() => lastDays(days));
  const choose = (name, shift) => (event) => {
    const chosen = event.target.valueAsDate;
    if (!chosen) return;
    const instant = midnight(new Date(chosen.getUTCFullYear(), chosen.getUTCMonth(), chosen.getUTCDate()), shift);
    const next = { ...span, [name]: instant };
    if (next.since < next.until) setSpan(next);
  };
  const fields = html`
    <label>${t("period.from")}<input type="date" value=${written(span.since)} max=${written(span.until - DAY)} onChange=${choose("since", 0)} /></label>
    <label>${t("period.to")}<input type="date" value=${written(span.until - 1)} min=${written(span.since)} onChange=${choose("until", 1)} /></label>
    <div class="presets" role="group" aria-label=${t("period.presets")}>${PRESETS.map((each) => {
      const preset = lastDays(each);
      const pressed = preset.since === span.since && preset.until === span.until;
      return html`<button type="button" class="plain" aria-pressed=${pressed} onClick=${() => setSpan(preset)}>${t("period.days", { days: each })}</button>`;
    })}</div>`;
  return [span, fields];
}

/** Unix seconds of the midnight that begins a day, `shift` days on. @param {Date} day @param {number} shift */
function midnight(day, shift) {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + shift).getTime() / 1000;
}

/** A date as an input wants it. @param {number} instant Unix seconds */
function written(instant) {
  const day = new Date(instant * 1000);
  return `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, "0")}-${String(day.getDate()).padStart(2, "0")}`;
}
