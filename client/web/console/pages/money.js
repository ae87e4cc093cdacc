// Money: what waits for its payment, what was sold and earned in a period, and where all tokens are.

import { useState } from "preact/hooks";

import { Bars } from "../../shared/chart/bars.js";
import { html } from "../../shared/html.js";
import { energy, moment, money, parseMoney, t } from "../../shared/i18n.js";
import { Failure, Field, Form, Heading, Notice, Told } from "../../shared/parts.js";
import { query, usePeriod } from "../period.js";
import * as state from "../state.js";
import { change } from "../state.js";
import { Table } from "../table.js";
import { useReading, useRows } from "./reading.js";

const STEPS = ["day", "week", "month"];
const SUMS = ["sold", "income", "visitors", "abroad", "refunded", "redeemed"];
const DAY_AND_MONTH = { day: "numeric", month: "short" };

export function Money() {
  const manages = ["ADMIN", "OPERATOR"].includes(state.account.value.role);
  const supply = useReading("/v1/supply");
  return html`
    <div class="head"><${Heading}>${t("console.money")}<//></div>
    <${Failure} error=${supply.error} />
    <${Purchases} manages=${manages} onPaid=${supply.again} />
    <${Turnover} />
    ${supply.answer && html`<${Supply} supply=${supply.answer} />`}
  `;
}

function Purchases({ manages, onPaid }) {
  const [wanted, setWanted] = useState("pending");
  const [turn, setTurn] = useState(0);
  const [error, setError] = useState(null);
  const { rows, error: failed, more } = useRows(`/v1/purchases?state=${wanted}#${turn}`);
  const token = state.condominium.value;
  const done = async () => {
    setTurn(turn + 1);
    await onPaid();
  };
  const confirm = async (reference) => {
    try {
      await change("POST", `/v1/purchases/${encodeURIComponent(reference)}/payment`);
      setError(null);
      await done();
    } catch (failure) {
      setError(failure);
    }
  };
  const columns = [
    [t("buy.reference"), (each) => html`<code>${each.reference}</code>`],
    [t("history.time"), (each) => moment(each.created)],
    [t("sessions.wallet"), (each) => html`<code title=${each.wallet}>${each.wallet.slice(0, 12)}…</code>`],
    [t("buy.amount"), (each) => money(each.amount, token), "number"],
    [t("money.state"), (each) => html`<span class=${each.state === "pending" ? "badge live" : "badge"}>${t(`purchase.${each.state}`)}</span>`],
  ];
  if (manages && wanted !== "paid") columns.push([t("money.payment"), (each) => html`<button aria-label=${`${t("money.confirm")}: ${each.reference}`} onClick=${() => confirm(each.reference)}>${t("money.confirm")}</button>`]);
  return html`<section><div class="row"><h2>${t("money.purchases")}</h2>
      <label class="small inline-label">${t("money.state")}<select onChange=${(event) => setWanted(event.target.value)}>
        ${["pending", "paid", "expired"].map((each) => html`<option value=${each} selected=${each === wanted}>${t(`purchase.${each}`)}</option>`)}</select></label></div>
    <${Failure} error=${error ?? failed} />
    <${Table} label=${t("money.purchases")} rows=${rows} more=${more} columns=${columns} empty=${t(wanted === "pending" ? "money.none-pending" : "money.none")} />
    ${manages && html`<${Sell} onDone=${done} />`}</section>`;
}

/** Tokens for a payment that no wallet announced, such as cash. */
function Sell({ onDone }) {
  const [sold, setSold] = useState(null);
  const token = state.condominium.value;
  const action = async (form) => {
    const amount = parseMoney(String(form.get("amount")), token.decimals);
    const wallet = String(form.get("wallet")).trim().toLowerCase();
    if (!/^[0-9a-f]{64}$/.test(wallet)) throw new Told(t("money.bad-wallet"));
    if (amount === null) throw new Told(t("money.bad-amount"));
    setSold(await change("POST", "/v1/purchases", { reference: String(form.get("reference")).trim(), wallet, amount }));
    await onDone();
  };
  return html`<details class="card"><summary>${t("money.sell")}</summary>
    <p>${t("money.sell-text")}</p>
    ${sold && html`<${Notice}>${t("money.sold-now", { amount: money(sold.amount, token), reference: sold.reference })}<//>`}
    <${Form} action=${action} submit=${t("money.sell")}><div class="columns">
      <${Field} name="reference" label=${t("buy.reference")} hint=${t("money.reference-hint")} autocomplete="off" />
      <${Field} name="amount" inputmode="decimal" label=${`${t("buy.amount")} (${token.currency})`} autocomplete="off" />
      </div><${Field} name="wallet" label=${t("sessions.wallet")} hint=${t("money.wallet-hint")} autocomplete="off" autocapitalize="none" spellcheck="false" />
    <//></details>`;
}

function Turnover() {
  const [span, fields] = usePeriod(30);
  const [by, setBy] = useState("day");
  const asked = `${query(span)}&by=${by}`;
  const { answer, error } = useReading(`/v1/reports/money?${asked}`);
  const token = state.condominium.value;
  const steps = answer?.steps ?? [];
  const sum = (name) => steps.reduce((total, step) => total + step[name], 0);
  const name = (step) => {
    const [year, month, day] = step.start.split("-").map(Number);
    return moment(Date.UTC(year, month - 1, day) / 1000, { timeZone: "UTC", ...(by === "month" ? { month: "short", year: "numeric" } : DAY_AND_MONTH) });
  };
  const bars = (member) => steps.map((step) => ({ label: name(step), value: step[member] / 10 ** token.decimals }));
  const shown = (value) => money(Math.round(value * 10 ** token.decimals), token);
  return html`<section><div class="row"><h2>${t("money.turnover")}</h2>
      <a class="button plain" href=${`/v1/reports/money.csv?${asked}`} download="money.csv">${t("table.csv")}</a></div>
    <div class="inline">${fields}
      <label>${t("money.by")}<select onChange=${(event) => setBy(event.target.value)}>${STEPS.map((each) => html`<option value=${each} selected=${each === by}>${t(`money.by-${each}`)}</option>`)}</select></label></div>
    <${Failure} error=${error} />
    ${answer && html`<dl class="facts">${SUMS.map((each) => html`<div><dt>${t(`money.${each}`)}</dt><dd>${money(sum(each), token)}</dd></div>`)}</dl>`}
    ${answer && steps.length === 0 && html`<div class="empty"><p>${t("money.nothing")}</p></div>`}
    ${steps.length > 0 && html`<div class="pair">
      <section class="card"><${Bars} title=${t("money.income")} unit=${token.currency} heads=${[t("history.time"), t("money.income")]} bars=${bars("income")} format=${shown} /></section>
      <section class="card"><${Bars} title=${t("money.sold")} unit=${token.currency} heads=${[t("history.time"), t("money.sold")]} bars=${bars("sold")} format=${shown} /></section></div>
      <${Table} label=${t("money.turnover")} rows=${[...steps].reverse()} empty="" columns=${[
        [t("history.time"), name],
        [t("money.sessions"), (step) => step.sessions, "number"],
        [t("sessions.energy"), (step) => energy(step.energy, 1), "number"],
        ...SUMS.map((each) => [t(`money.${each}`), (step) => money(step[each], token), "number"]),
      ]} />`}</section>`;
}

function Supply({ supply }) {
  const token = state.condominium.value;
  const terms = ["balances", "escrow", "income", "redeemed"];
  const exact = terms.reduce((sum, term) => sum + supply[term], 0) === supply.issued;
  return html`<section class="card"><div class="row"><h2>${t("supply.title")}</h2><span class=${exact ? "badge" : "badge live"}>${t(exact ? "supply.exact" : "supply.wrong")}</span></div>
    <dl class="pairs sum">${terms.map((term) => html`<dt>${t(`supply.${term}`)}</dt><dd>${money(supply[term], token)}</dd>`)}
      <dt><strong>${t("supply.issued")}</strong></dt><dd><strong>${money(supply.issued, token)}</strong></dd></dl></section>`;
}
