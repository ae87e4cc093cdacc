// Tariffs: what is in force, what will be, and publishing the next one after trying it on real sessions.

import { useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { money, moment, number, t } from "../../shared/i18n.js";
import { Failure, Heading, Pairs } from "../../shared/parts.js";
import { Week } from "../chart/week.js";
import * as state from "../state.js";
import { Publish } from "./publish.js";
import { useReading } from "./reading.js";

const MILLIONTHS = 1_000_000;

export function Tariffs() {
  const tariffs = useReading("/v1/tariffs");
  const [isNew, setNew] = useState(false);
  const list = [...(tariffs.answer?.rows ?? [])].sort((a, b) => b.number - a.number);
  const now = Date.now() / 1000;
  const current = list.find((each) => each.valid_from <= now);
  const mayTry = ["ADMIN", "OPERATOR", "AUDITOR"].includes(state.account.value.role);
  const published = async () => {
    setNew(false);
    await Promise.all([tariffs.again(), state.refreshCondominium()]);
  };
  return html`
    <div class="row head"><${Heading}>${t("console.tariffs")}<//>
      ${mayTry && tariffs.answer && !isNew && html`<button onClick=${() => setNew(true)}>${t(state.account.value.role === "ADMIN" ? "tariffs.publish" : "tariffs.try")}</button>`}</div>
    <${Failure} error=${tariffs.error} />
    ${!tariffs.answer && !tariffs.error && html`<p class="quiet">${t("wait")}</p>`}
    ${isNew && html`<${Publish} like=${current ?? null} onDone=${published} onLeave=${() => setNew(false)} />`}
    ${tariffs.answer && list.length === 0 && !isNew && html`<div class="empty"><p>${t("tariffs.none")}</p></div>`}
    ${list.map((tariff) => html`<${Tariff} key=${tariff.number} tariff=${tariff} isCurrent=${tariff === current} isComing=${tariff.valid_from > now} />`)}
  `;
}

function Tariff({ tariff, isCurrent, isComing }) {
  const token = state.condominium.value;
  const price = (millionths, digits = 4) => `${number(millionths / MILLIONTHS, digits)} ${token.currency}`;
  const badge = isCurrent ? html`<span class="badge live">${t("tariffs.current")}</span>` : isComing ? html`<span class="badge">${t("tariffs.coming")}</span>` : null;
  return html`<section class=${isCurrent || isComing ? "card tariff" : "card tariff past"}>
    <div class="row"><h2>${t("tariffs.number", { number: tariff.number })}</h2><span>${badge} <span class="quiet">${t("tariffs.from", { when: moment(tariff.valid_from) })}</span></span></div>
    <div class="pair"><${Pairs} rows=${[
      ...tariff.bands.flatMap((band) => [
        [t("start.kwh-band", { band: band.name }), price(band.energy_price)],
        [t("tariffs.idle-band", { band: band.name }), band.idle_price ? price(band.idle_price) : null],
      ]),
      [t("start.fee"), tariff.start_fee ? money(tariff.start_fee, token) : null],
    ]} />
    ${tariff.week.length > 1 && html`<${Week} bands=${tariff.bands} week=${tariff.week} title=${t("tariffs.week")} />`}</div></section>`;
}
