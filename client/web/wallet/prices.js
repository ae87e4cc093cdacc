// A tariff's prices, and what energy will cost before anything is signed.

import { html } from "../shared/html.js";
import { money, number, t } from "../shared/i18n.js";
import { Pairs } from "../shared/parts.js";
import { bandAt, boundaries, cost } from "./receipt/settlement.js";

const MILLIONTHS = 1_000_000;
const MWH_PER_WH = 1000;

/** A tariff's prices in a table. */
export function Prices({ tariff, token }) {
  const price = (millionths) => `${number(millionths / MILLIONTHS, 4)} ${token.currency}`;
  return html`<${Pairs} rows=${[
    ...tariff.bands.flatMap((band) => [
      [tariff.bands.length > 1 ? t("start.kwh-band", { band: bandName(band.name) }) : t("start.kwh"), price(band.energy_price)],
      [band.idle_price ? t("start.idle") : null, band.idle_price ? price(band.idle_price) : null],
    ]),
    [t("start.fee"), tariff.start_fee ? money(tariff.start_fee, token) : null],
  ].filter(([name]) => name !== null)} />`;
}

/** Names that many tariffs use are said in the reader's language; others are the condominium's own. */
export function bandName(name) {
  return ["night", "day", "all day"].includes(name) ? t(`band.${name.replace(" ", "-")}`) : name;
}

/**
 * The most that `energy` (Wh) can cost between two moments: all of it in the dearest band that these touch. The
 * ledger's own rounding; what is locked for it is always enough.
 */
export function mostFor(tariff, energy, from, until, decimals) {
  const dearest = bandsBetween(tariff, from, until).reduce((best, band) =>
    tariff.bands[band].energy_price > tariff.bands[best].energy_price ? band : best,
  );
  // The ledger counts in mWh and rounds down; a started minor unit is locked whole.
  return cost(tariff, [{ band: dearest, energy: energy * MWH_PER_WH, idle: 0 }], decimals, Number.MAX_SAFE_INTEGER) + 1;
}

/**
 * What `energy` (Wh) costs where it flows from `from` on at `power` (W), and when it is done:
 * `{cost, until, usage: [{band, energy}]}`, energy in mWh.
 */
export function courseOf(tariff, energy, from, power, decimals) {
  const until = from + Math.ceil((energy * 3600) / power);
  const edges = [from, ...boundaries(tariff, from, until), until];
  const whole = energy * MWH_PER_WH;
  const flown = (moment) => (moment === until ? whole : Math.floor(((moment - from) * power * MWH_PER_WH) / 3600));
  const used = new Map();
  for (let index = 1; index < edges.length; index += 1) {
    const band = bandAt(tariff, edges[index - 1]);
    used.set(band, (used.get(band) ?? 0) + flown(edges[index]) - flown(edges[index - 1]));
  }
  const usage = [...used].map(([band, each]) => ({ band, energy: each, idle: 0 }));
  return { cost: cost(tariff, usage, decimals, Number.MAX_SAFE_INTEGER), until, usage };
}

/** Least and most energy (Wh) that `amount` (minor units) buys between two moments. */
export function bought(tariff, amount, from, until, decimals) {
  const prices = bandsBetween(tariff, from, until).map((band) => tariff.bands[band].energy_price);
  const usable = Math.max(0, amount - tariff.start_fee) / 10 ** decimals;
  const wattHours = (price) => (price ? Math.floor((usable / (price / MILLIONTHS)) * 1000) : Infinity);
  return [wattHours(Math.max(...prices)), wattHours(Math.min(...prices))];
}

function bandsBetween(tariff, from, until) {
  return [...new Set([from, ...boundaries(tariff, from, until)].map((moment) => bandAt(tariff, moment)))];
}
