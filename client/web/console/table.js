// Tables: rows on a desk, cards on a phone.

import { html } from "../shared/html.js";
import { t } from "../shared/i18n.js";

/**
 * @param {{label: string, columns: [string, (row: object) => unknown, string?][], rows: object[] | null, empty: string,
 *   more?: (() => void) | null}} props
 * Each column has a head, what it shows of a row, and the class of its cells (`number`). `empty` says what to do where
 * there are no rows; `more` brings the next page.
 */
export function Table({ label, columns, rows, empty, more = null }) {
  if (rows === null) return html`<p class="quiet">${t("wait")}</p>`;
  if (rows.length === 0) return html`<div class="empty"><p>${empty}</p></div>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table class="cards">
      <thead><tr>${columns.map(([head, , kind]) => html`<th scope="col" class=${kind ?? ""}>${head}</th>`)}</tr></thead>
      <tbody>${rows.map((row) => html`<tr>${columns.map(([head, show, kind]) => html`<td class=${kind ?? ""} data-head=${head}>${show(row)}</td>`)}</tr>`)}</tbody>
    </table></div>
    ${more && html`<p><button class="plain" onClick=${more}>${t("table.more")}</button></p>`}`;
}
