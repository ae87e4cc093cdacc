// Money: purchases that wait for their payment, and what the ledger says of the tokens.

import { useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { moment, money, t } from "../../shared/i18n.js";
import { Failure, Heading } from "../../shared/parts.js";
import { change } from "../state.js";
import * as state from "../state.js";
import { listOf, useReading } from "./reading.js";

const EVERY = 5000;

export function Money() {
  const purchases = useReading("/v1/purchases", EVERY);
  const supply = useReading("/v1/supply");
  const [error, setError] = useState(null);
  const token = state.condominium.value;
  const confirm = async (purchase) => {
    try {
      await change("POST", `/v1/purchases/${purchase.reference}/payment`);
      setError(null);
      await Promise.all([purchases.again(), supply.again()]);
    } catch (failure) {
      setError(failure);
    }
  };
  return html`
    <${Heading}>${t("console.money")}<//>
    <${Failure} error=${error ?? purchases.error ?? supply.error} />
    ${supply.answer && html`<${Supply} supply=${supply.answer} token=${token} />`}
    <h2>${t("money.purchases")}</h2>
    ${purchases.answer && listOf(purchases.answer).length === 0 && html`<p class="quiet">${t("money.none")}</p>`}
    <div class="scroll" tabindex="0" role="region" aria-label=${t("money.purchases")}><table>
      <thead><tr><th>${t("buy.reference")}</th><th>${t("history.time")}</th><th class="number">${t("buy.amount")}</th><th>${t("money.state")}</th><th><span class="visually-hidden">${t("money.confirm")}</span></th></tr></thead>
      <tbody>${listOf(purchases.answer).map((purchase) => html`<tr><td>${purchase.reference}</td><td>${moment(purchase.created)}</td>
        <td class="number">${money(purchase.amount, token)}</td><td>${t(`purchase.${purchase.state}`)}</td>
        <td>${purchase.state === "pending" && state.account.value.role !== "AUDITOR" && html`<button onClick=${() => confirm(purchase)}>${t("money.confirm")}</button>`}</td></tr>`)}</tbody>
    </table></div>
  `;
}

function Supply({ supply, token }) {
  const terms = ["issued", "balances", "escrow", "income", "redeemed"];
  const sum = supply.balances + supply.escrow + supply.income + supply.redeemed;
  return html`<section class="card"><dl class="pairs">
    ${terms.map((term) => html`<dt>${t(`supply.${term}`)}</dt><dd>${money(supply[term], token)}</dd>`)}</dl>
    <p><span class=${sum === supply.issued ? "badge" : "badge live"}>${t(sum === supply.issued ? "supply.exact" : "supply.wrong")}</span></p></section>`;
}
