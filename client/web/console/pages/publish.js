// The form of the next tariff: bands, when each holds, and what real sessions would have cost under it.

import { useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { energy, moment, money, number, parseMoney, t } from "../../shared/i18n.js";
import { Failure, Notice, Told } from "../../shared/parts.js";
import { Week, nameOfDays } from "../chart/week.js";
import { usePeriod } from "../period.js";
import { change } from "../state.js";
import * as state from "../state.js";
import { Table } from "../table.js";
import { KINDS_OF_DAY, rulesOf, weekOf } from "../week.js";

const DIGITS = 6;
const LINES = 20;
const FIRST_RULES = [{ days: "all", time: "08:00", band: 0 }, { days: "all", time: "22:00", band: 1 }];
const NIGHT = { name: "", energy: "", idle: "" };

/** @param {{like: object | null, onDone: () => Promise<void>, onLeave: () => void}} props `like`: the tariff in force */
export function Publish({ like, onDone, onLeave }) {
  const token = state.condominium.value;
  const isAdmin = state.account.value.role === "ADMIN";
  const [bands, setBands] = useState(() => bandsOf(like));
  const [rules, setRules] = useState(() => (like?.week.length ? rulesOf(like.week) : FIRST_RULES));
  const [fee, setFee] = useState(like?.start_fee ? written(like.start_fee, token.decimals) : "");
  const [from, setFrom] = useState("");
  const [error, setError] = useState(null);
  const [found, setFound] = useState(null);
  const [busy, setBusy] = useState(false);
  const [asked, setAsked] = useState(false);
  const [span, fields] = usePeriod(30);
  const isBanded = bands.length > 1;
  const week = isBanded ? weekOf(rules.filter((rule) => rule.band < bands.length)) : [];
  const edit = (set, list, index, members) => {
    set(list.map((each, place) => (place === index ? { ...each, ...members } : each)));
    setFound(null);
    setAsked(false);
  };
  const run = (work) => async () => {
    if (busy) return;
    setBusy(true);
    try {
      await work(prices(bands, week, fee, token));
      setError(null);
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  const rehearse = run(async (draft) => setFound(await change("POST", "/v1/tariffs/rehearsal", { ...draft, ...span })));
  const publish = run(async (draft) => {
    if (!asked) return setAsked(true);
    const start = from ? Math.floor(new Date(from).getTime() / 1000) : null;
    await change("POST", "/v1/tariffs", start === null ? draft : { ...draft, valid_from: start });
    return onDone();
  });
  return html`<section class="card publish" aria-labelledby="publish"><h2 id="publish">${t("tariffs.next")}</h2>
    <${Notice}>${t("tariffs.for-ever")}<//>
    <fieldset><legend>${t("tariffs.bands")}</legend>
      ${bands.map((band, index) => html`<div class="inline band">
        <label>${t("units.name")}<input value=${band.name} maxlength="40" onInput=${(event) => edit(setBands, bands, index, { name: event.target.value })} /></label>
        <label>${t("tariffs.price", { currency: token.currency })}<input inputmode="decimal" value=${band.energy} onInput=${(event) => edit(setBands, bands, index, { energy: event.target.value })} /></label>
        <label>${t("tariffs.idle", { currency: token.currency })}<input inputmode="decimal" value=${band.idle} onInput=${(event) => edit(setBands, bands, index, { idle: event.target.value })} /></label>
        ${isBanded && html`<button type="button" class="plain" aria-label=${t("tariffs.remove-band", { band: band.name })} onClick=${() => { setBands(bands.filter((_, place) => place !== index)); setFound(null); }}>${t("tariffs.remove")}</button>`}</div>`)}
      <button type="button" class="plain" onClick=${() => setBands([...bands, { ...NIGHT }])}>${t("tariffs.add-band")}</button></fieldset>
    ${isBanded && html`<fieldset><legend>${t("tariffs.when")}</legend>
      <div class="rules"><div>${rules.map((rule, index) => html`<div class="inline band">
        <label>${t("tariffs.days")}<select onChange=${(event) => edit(setRules, rules, index, { days: event.target.value })}>${KINDS_OF_DAY.map((each) => html`<option value=${each} selected=${each === rule.days}>${nameOfDays(each)}</option>`)}</select></label>
        <label>${t("tariffs.time")}<input type="time" value=${rule.time} onChange=${(event) => event.target.value && edit(setRules, rules, index, { time: event.target.value })} /></label>
        <label>${t("tariffs.band")}<select onChange=${(event) => edit(setRules, rules, index, { band: Number(event.target.value) })}>${bands.map((band, place) => html`<option value=${place} selected=${place === rule.band}>${band.name || place + 1}</option>`)}</select></label>
        ${rules.length > 1 && html`<button type="button" class="plain" aria-label=${t("tariffs.remove-rule", { rule: index + 1 })} onClick=${() => setRules(rules.filter((_, place) => place !== index))}>${t("tariffs.remove")}</button>`}</div>`)}
      <button type="button" class="plain" onClick=${() => setRules([...rules, { days: "all", time: "12:00", band: 0 }])}>${t("tariffs.add-rule")}</button></div>
      <${Week} bands=${bands} week=${week} title=${t("tariffs.week")} /></div></fieldset>`}
    <div class="inline"><label>${t("start.fee")} (${token.currency})<input inputmode="decimal" value=${fee} onInput=${(event) => { setFee(event.target.value); setFound(null); }} /></label>
      ${isAdmin && html`<label>${t("tariffs.valid-from")}<input type="datetime-local" value=${from} onInput=${(event) => setFrom(event.target.value)} /></label>`}</div>
    <fieldset><legend>${t("tariffs.rehearse-title")}</legend><p class="quiet">${t("tariffs.rehearse-how")}</p>
      <div class="inline">${fields}</div>
      <button type="button" class="plain" disabled=${busy} onClick=${rehearse}>${busy ? t("wait") : t("tariffs.rehearse")}</button>
      ${found && html`<${Found} found=${found} token=${token} />`}</fieldset>
    <${Failure} error=${error} />
    ${asked && html`<${Notice} alarm>${t("tariffs.sure")}<//>`}
    <div class="actions">${isAdmin && html`<button type="button" disabled=${busy} onClick=${publish}>${t(asked ? "tariffs.publish-now" : "tariffs.publish")}</button>`}
      <button type="button" class="plain" onClick=${onLeave}>${t("tariffs.leave")}</button></div></section>`;
}

/** What the sessions of a period would have cost. */
function Found({ found, token }) {
  const difference = found.after - found.before;
  const share = found.before ? `${difference < 0 ? "" : "+"}${number((100 * difference) / found.before, 1)} %` : "";
  const lines = [...found.lines].sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before)).slice(0, LINES);
  return html`<div role="status" class="found">${!found.complete && html`<${Notice}>${t("tariffs.incomplete", { count: found.lines.length + found.unread })}<//>`}
    <dl class="facts">
      <div><dt>${t("tariffs.sessions")}</dt><dd>${found.lines.length}</dd></div>
      <div><dt>${t("tariffs.before")}</dt><dd>${money(found.before, token)}</dd></div>
      <div><dt>${t("tariffs.after")}</dt><dd>${money(found.after, token)}</dd></div>
      <div><dt>${t("tariffs.difference")}</dt><dd>${money(difference, token)} <small>${share}</small></dd></div></dl>
    <ul class="small"><li>${t("tariffs.agreed", { agreed: found.agreed, count: found.lines.length })}</li>
      ${found.capped > 0 && html`<li>${t("tariffs.capped", { count: found.capped })}</li>`}
      ${found.unread > 0 && html`<li>${t("tariffs.unread", { count: found.unread })}</li>`}</ul>
    <${Table} label=${t("tariffs.rehearse-title")} rows=${lines} empty=${t("tariffs.no-sessions")} columns=${[
      [t("sessions.ended"), (line) => html`<a href=${`#/sessions/${line.session}`}>${moment(line.ended)}</a>`],
      [t("sign.unit"), (line) => line.unit, "number"],
      [t("sessions.energy"), (line) => energy(line.energy), "number"],
      [t("tariffs.before"), (line) => money(line.before, token), "number"],
      [t("tariffs.after"), (line) => money(line.after, token), "number"],
    ]} /></div>`;
}

function bandsOf(tariff) {
  if (!tariff) return [{ name: t("tariffs.all-day"), energy: "", idle: "" }];
  return tariff.bands.map((band) => ({ name: band.name, energy: written(band.energy_price, DIGITS), idle: band.idle_price ? written(band.idle_price, DIGITS) : "" }));
}

/** The prices as the gateway takes them. Throws Told naming what is missing. */
function prices(bands, week, fee, token) {
  const feeMinor = fee.trim() && !/^0+([.,]0*)?$/.test(fee.trim()) ? parseMoney(fee, token.decimals) : 0;
  if (feeMinor === null) throw new Told(t("tariffs.bad-fee"));
  const price = (text) => (/^0*([.,]0*)?$/.test(text.trim()) ? 0 : parseMoney(text, DIGITS));
  return {
    start_fee: feeMinor,
    week,
    bands: bands.map((band) => {
      if (!band.name.trim()) throw new Told(t("tariffs.bad-name"));
      const [energyPrice, idlePrice] = [price(band.energy), price(band.idle)];
      if (!band.energy.trim() || energyPrice === null || idlePrice === null) throw new Told(t("tariffs.bad-price"));
      return { name: band.name.trim(), energy_price: energyPrice, idle_price: idlePrice };
    }),
  };
}

/** A whole number of small units as a person writes it. */
function written(value, digits) {
  const text = String(value).padStart(digits + 1, "0");
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`.replace(/0+$/, "").replace(/\.$/, "");
}
