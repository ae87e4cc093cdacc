// Transactions: every movement of the balance.

import { html } from "../../shared/html.js";
import { moment, money, t } from "../../shared/i18n.js";
import { Failure, Heading } from "../../shared/parts.js";
import { More, usePages } from "../paging.js";
import * as state from "../state.js";
import { Sections } from "./history.js";

export function Page() {
  const pages = usePages((bookmark) =>
    state.signed("GET", `/v1/wallets/${state.current.value.id}/statement${bookmark && `?bookmark=${bookmark}`}`),
  );
  const token = state.condominium.value;
  return html`
    <${Heading}>${t("sections.statement")}<//>
    <${Sections} here="statement" />
    <${Failure} error=${pages.error} />
    ${pages.rows?.length === 0 && html`<div class="empty"><p>${t("statement.none")}</p><a class="button" href="#/buy">${t("tab.buy")}</a></div>`}
    ${pages.rows?.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label=${t("history.statement")}><table>
      <thead><tr><th>${t("history.time")}</th><th>${t("history.kind")}</th><th class="number">${t("history.amount")}</th></tr></thead>
      <tbody>${pages.rows.map((row) => html`<tr><td>${moment(row.time, { dateStyle: "short", timeStyle: "short" })}</td>
        <td>${row.session ? html`<a href=${`#/session/${row.session}`}>${t(`kind.${row.kind}`)}</a>` : t(`kind.${row.kind}`)}</td>
        <td class=${row.amount > 0 ? "number gain" : "number"}>${row.amount > 0 ? "+" : ""}${money(row.amount, token)}</td></tr>`)}</tbody>
    </table></div>`}
    <${More} pages=${pages} />
  `;
}
