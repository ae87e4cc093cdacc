// The last look before charging begins: what the wallet signs, in words and byte for byte.

import { html } from "../../shared/html.js";
import { energy, moment, money, number, t } from "../../shared/i18n.js";
import { Form, Heading, Pairs } from "../../shared/parts.js";
import { go } from "../../shared/router.js";
import { bandName } from "../prices.js";
import * as state from "../state.js";
import { AlreadyRunning, submit } from "../wish.js";

/** @param {{body: string, unit: object, tariff: object, plan: {course?: object}, onBack: () => void}} props */
export function Sign({ body, unit, tariff, plan, onBack }) {
  // Everything shown is read back from the bytes that get signed.
  const intent = JSON.parse(body);
  const token = state.condominium.value;
  const ends = intent.expires - 600 + intent.duration;
  const action = async () => {
    try {
      const { id } = await submit(body);
      go(`/session/${id}`);
    } catch (error) {
      if (!(error instanceof AlreadyRunning)) throw error;
      go(`/session/${error.session}`);
    }
  };
  return html`
    <${Heading}>${t("sign.title")}<//>
    <section class="card"><${Pairs} rows=${[
      [t("sign.unit"), unit.location ? `${intent.unit} · ${unit.location}` : intent.unit],
      [t("sign.condominium"), `${token.name} (${intent.condominium})`],
      [t("sign.lock"), money(intent.amount, token)],
      [t("sign.energy"), intent.energy === undefined ? t("sign.as-much") : energy(intent.energy)],
      [t("sign.until"), moment(ends)],
      [t("sign.leave"), intent.leave === undefined ? null : moment(intent.leave)],
      [t("sign.tariff"), `${intent.tariff} · ${intent.tariff_hash.slice(0, 8)}…`],
    ]} /></section>
    ${plan.course && html`<section class="card"><h2>${t("sign.cost")}</h2><${Bill} course=${plan.course} tariff=${tariff} token=${token} /></section>`}
    <p class="quiet">${t("sign.refund")}</p>
    <details class="card"><summary>${t("sign.bytes")}</summary><pre>${body}</pre></details>
    <${Form} action=${action} submit=${t("sign.submit")} />
    <p><button class="plain wide" onClick=${onBack}>${t("back")}</button></p>
  `;
}

/** The sum at the published prices if charging begins now, line by line. */
function Bill({ course, tariff, token }) {
  return html`<${Pairs} rows=${[
    ...course.usage.map(({ band, energy: used }) => [
      `${bandName(tariff.bands[band].name)}: ${energy(used / 1000)}`,
      `× ${number(tariff.bands[band].energy_price / 1_000_000, 4)} ${token.currency}`,
    ]),
    [t("start.fee"), tariff.start_fee ? money(tariff.start_fee, token) : null],
    [t("sign.sum"), money(course.cost, token)],
  ]} />`;
}
