// Buy tokens: choose an amount, pay with the reference, see it arrive.

import { useEffect, useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { money, parseMoney, t } from "../../shared/i18n.js";
import { Field, Form, Heading, Notice, Pairs, Told } from "../../shared/parts.js";
import * as state from "../state.js";

const POLL = 3000;

export function Page() {
  const [purchase, setPurchase] = useState(null);
  const [amount, setAmount] = useState("");
  const token = state.condominium.value;
  const path = `/v1/wallets/${state.current.value.id}/purchases`;
  useEffect(() => {
    if (purchase?.state !== "pending") return undefined;
    const timer = setInterval(async () => {
      try {
        setPurchase(await state.signed("GET", `${path}/${purchase.reference}`));
      } catch (error) {
        // The gateway may be out of reach for a while; the next question will tell. `state.online` shows it.
        if (state.online.value) throw error;
      }
    }, POLL);
    return () => clearInterval(timer);
  }, [purchase?.reference, purchase?.state]);
  const action = async () => {
    const minor = parseMoney(amount, token.decimals);
    if (minor === null) throw new Told(t("start.bad-amount"));
    setPurchase(await state.signed("POST", path, { amount: minor }));
  };
  if (purchase) {
    return html`
      <${Heading}>${t(`buy.${purchase.state}`)}<//>
      ${purchase.state === "pending" && html`<${Notice}>${t("buy.how")}<//>`}
      <section class="card"><${Pairs} rows=${[
        [t("buy.amount"), money(purchase.amount, token)],
        [t("buy.reference"), purchase.reference],
      ]} /></section>
      ${purchase.state !== "pending" && html`<p><a class="button wide" href="#/">${t("tab.home")}</a></p>`}
    `;
  }
  return html`
    <${Heading}>${t("buy.title")}<//>
    <p>${t("buy.text", { name: token.name })}</p>
    <${Form} action=${action} submit=${t("buy.submit")}>
      <${Field} name="amount" inputmode="decimal" label=${t("buy.amount")} value=${amount}
        onInput=${(event) => setAmount(event.target.value)} autocomplete="off" />
      <div class="choices" role="group" aria-label=${t("start.amounts")}>
        ${[10, 20, 50].map((whole) => html`<button type="button" class="plain" onClick=${() => setAmount(String(whole))}>${money(whole * 10 ** token.decimals, token)}</button>`)}
      </div>
    <//>
  `;
}
