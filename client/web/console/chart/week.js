// A tariff's week, drawn.

import { html } from "../../shared/html.js";
import { moment, t } from "../../shared/i18n.js";

const DAY = 1440;
const WEEK = 7 * DAY;
const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];
/** The fifth of January 1970 was a Monday. */
const MONDAY = 4 * 86_400;

/** A kind of day in the reader's words. @param {string} kind */
export function nameOfDays(kind) {
  if (kind.length > 1) return t(`days.${kind}`);
  return moment(MONDAY + Number(kind) * 86_400, { weekday: "long", timeZone: "UTC" });
}

/**
 * Seven rows of 24 hours, each band in its own shade with its name.
 * @param {{bands: {name: string}[], week: {minute: number, band: number}[], title: string}} props
 */
export function Week({ bands, week, title }) {
  const changes = week.length ? week : [{ minute: 0, band: 0 }];
  const pieces = changes.map((each, index) => ({ band: each.band, from: each.minute, to: changes[index + 1]?.minute ?? WEEK }));
  return html`<figure class="week"><figcaption class="small">${title}</figcaption>
    <svg viewBox="0 0 526 172" role="img" aria-label=${title}>
      ${[0, 6, 12, 18, 24].map((hour) => html`<text class="tick" x=${46 + hour * 20} y="10" text-anchor=${hour === 24 ? "end" : "middle"}>${hour}</text>`)}
      ${EVERY_DAY.map((day) => html`<text class="tick" x="0" y=${31 + day * 22}>${moment(MONDAY + day * 86_400, { weekday: "short", timeZone: "UTC" })}</text>
        ${pieces.filter((each) => each.from < (day + 1) * DAY && each.to > day * DAY).map((each) => {
          const from = Math.max(0, each.from - day * DAY);
          const to = Math.min(DAY, each.to - day * DAY);
          return html`<rect class=${`band-${each.band % 4}`} x=${46 + from / 3} y=${16 + day * 22} width=${(to - from) / 3} height="20" />
            ${to - from >= 240 && html`<text class=${`on-band-${each.band % 4}`} x=${46 + (from + to) / 6} y=${30 + day * 22} text-anchor="middle">${bands[each.band]?.name ?? ""}</text>`}`;
        })}`)}
    </svg>
    <p class="visually-hidden">${changes.map((each) => t("tariffs.change", { when: moment(MONDAY + each.minute * 60, { weekday: "long", hour: "2-digit", minute: "2-digit", timeZone: "UTC" }), band: bands[each.band]?.name ?? "" })).join("; ")}</p>
  </figure>`;
}
