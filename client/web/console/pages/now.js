// Now: every socket with its state, power and reason, and each group's load against its limit.

import { html } from "../../shared/html.js";
import { moment, power, t } from "../../shared/i18n.js";
import { Failure, Heading, Notice } from "../../shared/parts.js";
import * as state from "../state.js";
import { listOf, useReading } from "./reading.js";

const EVERY = 2000;
const STALE = 10_000;

export function Now() {
  const units = useReading("/v1/units", EVERY);
  const manages = state.account.value.role !== "USER";
  const list = listOf(units.answer).sort((a, b) => a.unit - b.unit);
  return html`
    <${Heading}>${t("console.now")}<//>
    ${units.error && html`<${Failure} error=${units.error} />`}
    ${units.at > 0 && Date.now() - units.at > STALE && html`<${Notice} alarm>${t("now.stale", { when: moment(units.at / 1000) })}<//>`}
    ${manages && html`<${Groups} units=${list} />`}
    ${manages && html`<${Alarms} />`}
    <ul class="sockets">${list.map((unit) => html`<${Socket} unit=${unit} />`)}</ul>
    ${units.answer && list.length === 0 && html`<p class="quiet">${t("home.no-units")}</p>`}
  `;
}

function Socket({ unit }) {
  const badge = unit.state === "charging" ? "badge live" : unit.state === "offline" ? "badge off" : "badge";
  return html`<li class=${`card ${unit.state}`}>
    <div class="row"><strong>${t("home.unit", { unit: unit.unit })}</strong><span class=${badge}>${t(`state.${unit.state}`)}</span></div>
    <div class="figure numbers">${power(unit.power ?? 0)}</div>
    <div class="quiet">${unit.reason ?? unit.location}</div>
  </li>`;
}

function Groups({ units }) {
  const groups = listOf(useReading("/v1/groups").answer);
  const settings = listOf(useReading("/v1/unit-settings").answer);
  return html`${groups.map((group) => {
    const members = new Set(settings.filter((each) => each.group === group.code).map((each) => each.unit));
    const load = units.filter((unit) => members.has(unit.unit)).reduce((sum, unit) => sum + (unit.power ?? 0), 0);
    const sentence = t("now.load", { load: power(load), limit: power(group.maximum_load) });
    return html`<section class="card">
      <div class="row"><strong>${group.name}</strong><span class="numbers">${sentence}</span></div>
      <meter min="0" max=${group.maximum_load} high=${group.maximum_load} value=${load} aria-label=${sentence}></meter>
    </section>`;
  })}`;
}

function Alarms() {
  const { answer, error } = useReading("/v1/alarms?lasting=true", EVERY * 5);
  if (error) return html`<${Failure} error=${error} />`;
  const recent = listOf(answer).slice(0, 5);
  if (!recent.length) return null;
  return html`<${Notice} alarm><strong>${t("now.alarms")}</strong>
    <ul>${recent.map((alarm) => html`<li>${moment(alarm.raised_at / 1000)} · ${alarm.unit === null ? "" : t("home.unit", { unit: alarm.unit })} · ${alarm.text}</li>`)}</ul><//>`;
}
