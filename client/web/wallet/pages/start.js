// Start charging at a unit: how much, until when, what it will cost, and exactly what gets signed.

import { useEffect, useState } from "preact/hooks";

import { ask } from "../../shared/api.js";
import { html } from "../../shared/html.js";
import { duration, energy, money, number, parseMoney, t } from "../../shared/i18n.js";
import { Failure, Field, Form, Heading, Notice, Pairs, Told } from "../../shared/parts.js";
import { go } from "../../shared/router.js";
import * as state from "../state.js";

const MILLIONTHS = 1_000_000;
const HOURS = [2, 4, 9, 12];

export function Start({ argument }) {
  const [unit, setUnit] = useState(null);
  const [tariff, setTariff] = useState(null);
  const [error, setError] = useState(null);
  const [amount, setAmount] = useState("");
  const [kilowattHours, setKilowattHours] = useState("");
  const [hours, setHours] = useState(9);
  const [body, setBody] = useState(null);
  useEffect(() => {
    Promise.all([ask(`/v1/units/${argument}`), state.refreshCondominium(), state.refreshAccount()])
      .then(async ([answer]) => {
        const { tariff: inForce } = state.condominium.value;
        setTariff(inForce && (await state.readTariff(inForce.number)));
        setUnit(answer);
      })
      .catch(setError);
  }, [argument]);
  if (error) return html`<${Heading}>${t("start.title", { unit: argument })}<//><${Failure} error=${error} />`;
  if (!unit) return html`<${Heading}>${t("start.title", { unit: argument })}<//><p>${t("wait")}</p>`;
  const token = state.condominium.value;
  if (!tariff) return html`<${Heading}>${t("start.title", { unit: argument })}<//><${Notice}>${t("start.no-tariff")}<//>`;
  const balance = state.account.value?.balance ?? 0;
  const minor = parseMoney(amount, token.decimals);
  const wanted = parseMoney(kilowattHours, 3);
  const prepare = async () => {
    if (minor === null) throw new Told(t("start.bad-amount"));
    if (minor > balance) throw new Told(t("start.too-much", { balance: money(balance, token) }));
    if (kilowattHours.trim() && wanted === null) throw new Told(t("start.bad-energy"));
    setBody(
      state.draft("open", {
        amount: minor,
        condominium: token.code,
        duration: hours * 3600,
        energy: wanted,
        issuer: token.code,
        tariff: tariff.number,
        tariff_hash: tariff.hash,
        unit: unit.unit,
      }),
    );
  };
  if (body) return html`<${Sign} body=${body} unit=${unit} onBack=${() => setBody(null)} />`;
  return html`
    <${Heading}>${t("start.title", { unit: argument })}<//>
    <p class="quiet">${unit.location}</p>
    ${unit.state !== "free" && html`<${Notice}>${unit.reason ?? t(`state.${unit.state}`)}<//>`}
    <section class="card"><h2>${t("start.tariff")}</h2><${Prices} tariff=${tariff} token=${token} /></section>
    <${Form} action=${prepare} submit=${t("start.review")}>
      <${Field} name="amount" inputmode="decimal" label=${t("start.amount")} hint=${t("start.amount-hint", { balance: money(balance, token) })}
        value=${amount} onInput=${(event) => setAmount(event.target.value)} autocomplete="off" />
      <div class="choices" role="group" aria-label=${t("start.amounts")}>
        ${[5, 10, 20].map((whole) => html`<button type="button" class="plain" onClick=${() => setAmount(String(whole))}>${money(whole * 10 ** token.decimals, token)}</button>`)}
      </div>
      <${Field} name="energy" inputmode="decimal" label=${t("start.energy")} hint=${t("start.energy-hint")}
        value=${kilowattHours} onInput=${(event) => setKilowattHours(event.target.value)} autocomplete="off" />
      <fieldset>
        <legend>${t("start.hours")}</legend>
        <div class="choices">
          ${HOURS.map((each) => html`<button type="button" class="plain" aria-pressed=${String(each === hours)} onClick=${() => setHours(each)}>${duration(each * 3600)}</button>`)}
        </div>
      </fieldset>
      ${minor !== null && html`<p>${estimate(minor, wanted, tariff, token)}</p>`}
    <//>
  `;
}

/** The last look: what the wallet signs, in words and byte for byte. */
function Sign({ body, unit, onBack }) {
  const intent = JSON.parse(body);
  const token = state.condominium.value;
  const action = async () => {
    const { id } = await state.submit(body);
    go(`/session/${id}`);
  };
  return html`
    <${Heading}>${t("sign.title")}<//>
    <section class="card">
      <${Pairs} rows=${[
        [t("sign.unit"), unit.location ? `${unit.unit} · ${unit.location}` : unit.unit],
        [t("sign.lock"), money(intent.amount, token)],
        [t("sign.energy"), intent.energy === undefined ? t("sign.as-much") : energy(intent.energy)],
        [t("sign.until"), duration(intent.duration)],
        [t("sign.tariff"), intent.tariff],
      ]} />
    </section>
    <p class="quiet">${t("sign.refund")}</p>
    <details class="card"><summary>${t("sign.bytes")}</summary><pre>${body}</pre></details>
    <${Form} action=${action} submit=${t("sign.submit")} />
    <p><button class="plain wide" onClick=${onBack}>${t("back")}</button></p>
  `;
}

/** A tariff's prices. */
export function Prices({ tariff, token }) {
  const price = (millionths) => `${number(millionths / MILLIONTHS, 4)} ${token.currency}`;
  return html`<${Pairs} rows=${[
    ...tariff.bands.flatMap((band) => [
      [tariff.bands.length > 1 ? t("start.kwh-band", { band: band.name }) : t("start.kwh"), price(band.energy_price)],
      [band.idle_price ? t("start.idle") : null, band.idle_price ? price(band.idle_price) : null],
    ]),
    [t("start.fee"), tariff.start_fee ? money(tariff.start_fee, token) : null],
  ]} />`;
}

function estimate(minor, wanted, tariff, token) {
  const prices = tariff.bands.map((band) => band.energy_price);
  const usable = Math.max(0, minor - tariff.start_fee) / 10 ** token.decimals;
  const most = (usable / (Math.min(...prices) / MILLIONTHS)) * 1000;
  const least = (usable / (Math.max(...prices) / MILLIONTHS)) * 1000;
  if (wanted !== null && wanted <= least) {
    const cost = tariff.start_fee + Math.ceil(((wanted / 1000) * Math.max(...prices) * 10 ** token.decimals) / MILLIONTHS);
    return t("start.costs", { energy: energy(wanted), cost: money(cost, token) });
  }
  if (least === most) return t("start.buys", { energy: energy(most, 1) });
  return t("start.buys-between", { least: energy(least, 1), most: energy(most, 1) });
}
