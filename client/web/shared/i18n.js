// The reader's language: sentences from `locales/`, those that the sites share and the site's own; numbers, money
// and dates in the reader's form.

import { computed, signal } from "@preact/signals";

const STORED = "condocharge-language";

export const LANGUAGES = ["en", "pt"];
/** Sentences by language. A phone on a slow network gets those of its reader alone; others come when they are chosen. */
const sentences = {};
await bring(initial());

export const language = signal(initial());
export const regional = computed(() => navigator.languages?.find((tag) => tag.startsWith(language.value)) ?? language.value);

/** Choose a language and remember it. @param {string} chosen */
export async function speak(chosen) {
  await bring(chosen);
  language.value = chosen;
  localStorage.setItem(STORED, chosen);
  document.documentElement.lang = chosen;
}

/**
 * The sentence named `key`, with `{name}` replaced from `values`. A missing key throws: the tests find it.
 * @param {string} key @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const sentence = sentences[language.value][key];
  if (sentence === undefined) throw new Error(`no sentence ${key} in ${language.value}`);
  return sentence.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Money in minor units. @param {number} minor @param {{currency: string, decimals: number}} token */
export function money(minor, { currency, decimals }) {
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  const amount = minor / 10 ** decimals;
  return /^[A-Z]{3}$/.test(currency)
    ? new Intl.NumberFormat(regional.value, { style: "currency", currency, ...options }).format(amount)
    : `${new Intl.NumberFormat(regional.value, options).format(amount)} ${currency}`;
}

/** @param {number} value @param {number} [digits] */
export function number(value, digits = 0) {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(regional.value, options).format(value);
}

/** Energy in Wh as kWh. @param {number} wattHours @param {number} [digits] */
export function energy(wattHours, digits = 2) {
  return `${number(wattHours / 1000, digits)} kWh`;
}

/** Power in W as kW. @param {number} watts */
export function power(watts) {
  return `${number(watts / 1000, 1)} kW`;
}

/** A moment, Unix seconds. @param {number} seconds @param {Intl.DateTimeFormatOptions} [options] */
export function moment(seconds, options = { dateStyle: "medium", timeStyle: "short" }) {
  return new Intl.DateTimeFormat(regional.value, options).format(seconds * 1000);
}

/** A length of time in seconds, as hours and minutes. @param {number} seconds */
export function duration(seconds) {
  if (seconds < 60) return t("duration.seconds", { seconds });
  const minutes = Math.round(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours && minutes % 60 === 0) return t("duration.whole-hours", { hours });
  return hours ? t("duration.hours", { hours, minutes: minutes % 60 }) : t("duration.minutes", { minutes });
}

/** Minor units in what a person typed, or null where it is no amount. @param {string} text @param {number} decimals */
export function parseMoney(text, decimals) {
  const match = /^(\d{1,9})(?:[.,](\d{1,9}))?$/.exec(text.trim());
  if (!match || (match[2] ?? "").length > decimals) return null;
  const minor = Number(match[1] + (match[2] ?? "").padEnd(decimals, "0"));
  return minor > 0 ? minor : null;
}

async function bring(name) {
  const files = [`./locales/${name}.js`, `/locales/${name}.js`];
  const [shared, own] = await Promise.all(files.map((file) => import(file)));
  sentences[name] = { ...shared.default, ...own.default };
}

function initial() {
  const wished = [localStorage.getItem(STORED), ...(navigator.languages ?? []).map((tag) => tag.slice(0, 2))];
  const chosen = wished.find((name) => LANGUAGES.includes(name)) ?? "en";
  document.documentElement.lang = chosen;
  return chosen;
}
