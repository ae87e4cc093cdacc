// One socket: what it is, how it is metered, and what charging there costs.

import { useEffect, useState } from "preact/hooks";

import { ask } from "../../shared/api.js";
import { html } from "../../shared/html.js";
import { number, power, t } from "../../shared/i18n.js";
import { Failure, Heading, Notice, Pairs } from "../../shared/parts.js";
import { reasonOf } from "../../shared/reason.js";
import { Prices } from "../prices.js";
import * as state from "../state.js";

export function Page({ argument }) {
  const [unit, setUnit] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    Promise.all([state.reached(ask(`/v1/units/${argument}`)), state.refreshCondominium()]).then(([answer]) => setUnit(answer), setError);
  }, [argument]);
  const token = state.condominium.value;
  return html`
    <${Heading}>${t("home.unit", { unit: argument })}<//>
    <${Failure} error=${error} />
    ${unit?.state === "offline" && html`<${Notice}>${t("socket.offline")}<//>`}
    ${unit && html`
      <section class="card"><${Pairs} rows=${[
        [t("socket.location"), unit.location || null],
        [t("socket.state"), t(`state.${unit.state}`)],
        [t("socket.why"), reasonOf(unit)],
        [t("socket.current"), `${number(unit.current / 1000)} A`],
        [t("socket.voltage"), `${number(unit.voltage / 10)} V`],
        [t("socket.phases"), unit.phases],
        [t("socket.power"), power(powerOf(unit))],
        [t("socket.group"), unit.group],
        [t("socket.meter"), t(`meter.${unit.class}`)],
      ]} /></section>
      ${token.tariff && html`<section class="card"><h2>${t("start.tariff")}</h2><${Prices} tariff=${token.tariff} token=${token} /></section>`}
      ${unit.state !== "offline" && html`<p><a class="button wide" href=${`#/unit/${unit.unit}`}>${t("socket.charge")}</a></p>`}
      <p class="row"><a href="#/mandates">${t("mandates.title")}</a></p>`}
  `;
}

/** The most that a socket gives, W. Three phases are counted against the neutral. @param {object} unit */
export function powerOf(unit) {
  return Math.floor((unit.current * unit.voltage * unit.phases) / 10_000);
}
