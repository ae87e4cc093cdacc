// Mandates: standing permissions for a tag or for plugging in; what they may spend, and ending them.

import { useEffect, useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { duration, moment, money, number, parseMoney, t } from "../../shared/i18n.js";
import { Failure, Field, Form, Heading, Notice, Pairs, Told } from "../../shared/parts.js";
import { usePages } from "../paging.js";
import * as state from "../state.js";
import { draft, submit } from "../wish.js";

const DAY = 86_400;
const PERIODS = [DAY, 7 * DAY, 30 * DAY];
const LASTS = [30, 90, 365];
const HOURS = [4, 9, 12, 24];
const POLL = 3000;
/** Above the dearest price of now by this much, so that a small change of tariff does not stop a mandate. */
const MARGIN = 1.25;

const path = () => `/v1/wallets/${state.current.value.id}`;

export function Page() {
  const pages = usePages((bookmark) => state.signed("GET", `${path()}/mandates${bookmark && `?bookmark=${bookmark}`}`));
  const [granting, setGranting] = useState(null);
  const now = Date.now() / 1000;
  if (granting) return html`<${Confirm} body=${granting} onDone=${() => { setGranting(null); pages.again(); }} onBack=${() => setGranting(null)} />`;
  const [standing, over] = [true, false].map((stands) => (pages.rows ?? []).filter((each) => (each.revoked === null && each.until > now) === stands));
  return html`
    <${Heading}>${t("mandates.title")}<//>
    <p>${t("mandates.text")}</p>
    <${Failure} error=${pages.error} />
    ${standing.map((mandate) => html`<${Mandate} key=${mandate.mandate} mandate=${mandate} onRevoked=${pages.again} />`)}
    ${pages.rows && standing.length === 0 && html`<p class="quiet">${t("mandates.none")}</p>`}
    <${Grant} onGrant=${setGranting} />
    ${over.length > 0 && html`<h2>${t("mandates.over")}</h2><ul class="plain">${over.map((mandate) => html`<li class="quiet">${nameOf(mandate)} · ${mandate.revoked ? t("mandates.revoked", { moment: moment(mandate.revoked) }) : t("mandates.expired", { moment: moment(mandate.until) })}</li>`)}</ul>`}
  `;
}

function nameOf({ tags, units }) {
  const where = units.length ? t("mandates.at", { units: units.join(", ") }) : t("mandates.everywhere");
  return `${tags.length ? t("mandates.for-tag", { tag: tags.map((tag) => tag.slice(0, 8)).join(", ") }) : t("mandates.for-plug")} · ${where}`;
}

function Mandate({ mandate, onRevoked }) {
  const token = state.condominium.value;
  const revoke = async () => {
    await submit(draft("revoke", { issuer: mandate.issuer, mandate: mandate.mandate }));
    onRevoked();
  };
  return html`<section class="card">
    <h2>${nameOf(mandate)}</h2>
    <${Pairs} rows=${[
      [t("mandates.session-cap"), money(mandate.session_cap, token)],
      [t("mandates.spent"), t("mandates.spent-of", { spent: money(mandate.spent, token), cap: money(mandate.period_cap, token), period: periodOf(mandate.period) })],
      [t("mandates.until"), moment(mandate.until, { dateStyle: "medium" })],
      [t("mandates.lasts"), duration(mandate.duration)],
    ]} />
    <${Form} action=${revoke} submit=${t("mandates.revoke")} />
  </section>`;
}

function periodOf(seconds) {
  return t("mandates.days", { days: number(seconds / DAY) });
}

/** Ask for a mandate's terms. */
function Grant({ onGrant }) {
  const [kind, setKind] = useState("plug");
  const [tag, setTag] = useState(null);
  const token = state.condominium.value;
  useEffect(() => { state.refreshUnits(); state.refreshCondominium(); }, []);
  const action = async (form) => {
    const [sessionCap, periodCap] = ["session", "total"].map((name) => parseMoney(String(form.get(name)), token.decimals));
    const units = form.getAll("units").map(Number);
    if (sessionCap === null || periodCap === null) throw new Told(t("start.bad-amount"));
    if (kind === "plug" && !units.length) throw new Told(t("mandates.choose-unit"));
    if (kind === "tag" && !tag) throw new Told(t("mandates.choose-tag"));
    if (!token.tariff) throw new Told(t("start.no-tariff"));
    const dearest = (name) => Math.ceil(Math.max(...token.tariff.bands.map((band) => band[name])) * MARGIN);
    onGrant(draft("mandate", {
      condominium: token.code,
      duration: Number(form.get("duration")) * 3600,
      idle_price_limit: dearest("idle_price"),
      issuer: token.code,
      period: Number(form.get("period")),
      period_cap: periodCap,
      price_limit: dearest("energy_price"),
      session_cap: Math.min(sessionCap, periodCap),
      start_fee_limit: Math.ceil(token.tariff.start_fee * MARGIN),
      tags: kind === "tag" ? [tag] : [],
      units: units.sort((a, b) => a - b),
      until: Math.floor(Date.now() / 1000) + Number(form.get("lasts")) * DAY,
    }));
  };
  const choice = (name, values, write, chosen) => html`<select name=${name}>${values.map((value) => html`<option value=${value} selected=${value === chosen}>${write(value)}</option>`)}</select>`;
  return html`<details class="card"><summary>${t("mandates.new")}</summary>
    <${Form} action=${action} submit=${t("start.review")}>
      <div class="sections" role="group" aria-label=${t("mandates.kind")}>${["plug", "tag"].map((each) => html`<button type="button" aria-pressed=${String(each === kind)} onClick=${() => setKind(each)}>${t(`mandates.kind-${each}`)}</button>`)}</div>
      ${kind === "tag" && html`<${Tag} tag=${tag} onTag=${setTag} />`}
      <fieldset><legend>${t(kind === "tag" ? "mandates.units-any" : "mandates.units")}</legend>
        ${state.units.value.map((unit) => html`<label class="check"><input type="checkbox" name="units" value=${unit.unit} />${t("home.unit", { unit: unit.unit })} <small>${unit.location}</small></label>`)}</fieldset>
      <${Field} name="session" inputmode="decimal" label=${t("mandates.session-cap")} value="5" autocomplete="off" />
      <${Field} name="total" inputmode="decimal" label=${t("mandates.period-cap")} value="60" autocomplete="off" />
      <label>${t("mandates.period")} ${choice("period", PERIODS, periodOf, PERIODS[2])}</label>
      <label>${t("mandates.lasts")} ${choice("duration", HOURS, (hours) => t("start.n-hours", { hours }), 9)}</label>
      <label>${t("mandates.stands")} ${choice("lasts", LASTS, (days) => t("mandates.days", { days }), 90)}</label>
    <//></details>`;
}

/** A tag is known to readers alone: its holder holds it to one and finds it here. */
function Tag({ tag, onTag }) {
  const [unit, setUnit] = useState("");
  const [tags, setTags] = useState([]);
  useEffect(() => {
    if (!unit) return undefined;
    const look = () => state.signed("GET", `${path()}/tags?unit=${unit}`).then(({ rows }) => setTags(rows), () => setTags([]));
    look();
    const timer = setInterval(look, POLL);
    return () => clearInterval(timer);
  }, [unit]);
  return html`<${Notice}>${t("mandates.hold")}<//>
    <label>${t("mandates.reader")} <select onChange=${(event) => setUnit(event.target.value)}><option value=""></option>
      ${state.units.value.map((each) => html`<option value=${each.unit}>${t("home.unit", { unit: each.unit })}</option>`)}</select></label>
    ${unit && html`<fieldset aria-live="polite"><legend>${t("mandates.seen")}</legend>${tags.length === 0 ? html`<p class="quiet">${t("mandates.waiting")}</p>` : tags.map((each) => html`<label class="check"><input type="radio" name="tag" checked=${each.tag === tag} onChange=${() => onTag(each.tag)} />${t("mandates.for-tag", { tag: each.tag.slice(0, 8) })} <small>${moment(each.time, { timeStyle: "medium" })}</small></label>`)}</fieldset>`}`;
}

/** What gets signed, in words and byte for byte. */
function Confirm({ body, onDone, onBack }) {
  const intent = JSON.parse(body);
  const token = state.condominium.value;
  const price = (millionths) => `${number(millionths / 1_000_000, 4)} ${token.currency}`;
  const action = async () => {
    await submit(body);
    onDone();
  };
  return html`
    <${Heading}>${t("mandates.confirm")}<//>
    <section class="card"><h2>${nameOf(intent)}</h2><${Pairs} rows=${[
      [t("mandates.session-cap"), money(intent.session_cap, token)],
      [t("mandates.period-cap"), `${money(intent.period_cap, token)} / ${periodOf(intent.period)}`],
      [t("mandates.price-limit"), price(intent.price_limit)],
      [t("mandates.fee-limit"), money(intent.start_fee_limit, token)],
      [t("mandates.idle-limit"), price(intent.idle_price_limit)],
      [t("mandates.lasts"), duration(intent.duration)],
      [t("mandates.until"), moment(intent.until, { dateStyle: "medium" })],
    ]} /></section>
    <p class="quiet">${t("mandates.capped")}</p>
    <details class="card"><summary>${t("sign.bytes")}</summary><pre>${body}</pre></details>
    <${Form} action=${action} submit=${t("mandates.sign")} />
    <p><button class="plain wide" onClick=${onBack}>${t("back")}</button></p>
  `;
}
