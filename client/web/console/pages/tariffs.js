// Tariffs: what is in force, and publishing the next one, which then stays for ever as it is.

import { html } from "../../shared/html.js";
import { money, moment, number, t } from "../../shared/i18n.js";
import { Failure, Field, Form, Heading, Notice, Pairs, Told } from "../../shared/parts.js";
import { change } from "../state.js";
import * as state from "../state.js";
import { listOf, useReading } from "./reading.js";

const MILLIONTHS = 1_000_000;

export function Tariffs() {
  const tariffs = useReading("/v1/tariffs");
  const token = state.condominium.value;
  const publish = async (form) => {
    const price = Math.round(Number(String(form.get("price")).replace(",", ".")) * MILLIONTHS);
    if (!(price > 0)) throw new Told(t("tariffs.bad-price"));
    await change("POST", "/v1/tariffs", {
      bands: [{ name: String(form.get("name")) || t("tariffs.all-day"), energy_price: price, idle_price: 0 }],
      week: [],
    });
    await tariffs.again();
  };
  return html`
    <${Heading}>${t("console.tariffs")}<//>
    <${Failure} error=${tariffs.error} />
    ${[...listOf(tariffs.answer)].sort((a, b) => b.number - a.number).map((tariff) => html`<section class="card">
      <div class="row"><strong>${t("tariffs.number", { number: tariff.number })}</strong><span class="quiet">${t("tariffs.from", { when: moment(tariff.valid_from) })}</span></div>
      <${Pairs} rows=${[
        ...tariff.bands.map((band) => [t("start.kwh-band", { band: band.name }), `${number(band.energy_price / MILLIONTHS, 4)} ${token.currency}`]),
        [t("start.fee"), tariff.start_fee ? money(tariff.start_fee, token) : null],
      ]} /></section>`)}
    ${state.account.value.role === "ADMIN" && html`<details class="card"><summary>${t("tariffs.publish")}</summary>
      <${Notice}>${t("tariffs.for-ever")}<//>
      <${Form} action=${publish} submit=${t("tariffs.publish")}>
        <${Field} name="price" inputmode="decimal" label=${t("tariffs.price", { currency: token.currency })} />
        <${Field} name="name" label=${t("units.name")} />
      <//></details>`}
  `;
}
