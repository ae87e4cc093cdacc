// Sessions: those that are under way and those of a period; and one of them with its readings.

import { useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { duration, energy, moment, money, t } from "../../shared/i18n.js";
import { Failure, Heading } from "../../shared/parts.js";
import { query, usePeriod } from "../period.js";
import { sentence } from "../reason.js";
import * as state from "../state.js";
import { Table } from "../table.js";
import { listOf, useReading, useRows } from "./reading.js";
import { SessionDetail } from "./session.js";

const STATES = ["opened", "started", "settled", "cancelled", "reclaimed", "abandoned"];

export function Sessions({ argument }) {
  return argument ? html`<${SessionDetail} key=${argument} session=${argument} />` : html`<${List} />`;
}

function List() {
  const [span, fields] = usePeriod(7);
  const [unit, setUnit] = useState("");
  const [wanted, setWanted] = useState("");
  const units = useReading("/v1/units");
  const filter = `${query(span)}${unit && `&unit=${unit}`}`;
  const { rows, error, more } = useRows(`/v1/sessions?${filter}${wanted && `&state=${wanted}`}`);
  const claims = useRows("/v1/claims?");
  return html`
    <div class="row head"><${Heading}>${t("console.sessions")}<//>
      <a class="button plain" href=${`/v1/reports/sessions.csv?${filter}`} download="sessions.csv">${t("table.csv")}</a></div>
    <div class="inline">${fields}
      <label>${t("sign.unit")}<select onChange=${(event) => setUnit(event.target.value)}><option value="">${t("filter.all")}</option>
        ${listOf(units.answer).map((each) => html`<option value=${each.unit}>${each.unit} · ${each.name}</option>`)}</select></label>
      <label>${t("money.state")}<select onChange=${(event) => setWanted(event.target.value)}><option value="">${t("filter.all")}</option>
        ${STATES.map((each) => html`<option value=${each}>${t(`sessions.${each}`)}</option>`)}</select></label>
    </div>
    <${Failure} error=${error ?? units.error ?? claims.error} />
    <${Table} label=${t("console.sessions")} rows=${rows} empty=${t("sessions.empty")} more=${more} columns=${columns()} />
    ${claims.rows?.length > 0 && html`<${Claims} claims=${claims} />`}
  `;
}

function columns() {
  const token = state.condominium.value;
  return [
    [t("sessions.opened"), (each) => html`<a href=${`#/sessions/${each.session}`}>${moment(each.opened)}</a>`],
    [t("sign.unit"), (each) => each.unit, "number"],
    [t("money.state"), (each) => html`<span class=${each.activity === "charging" ? "badge live" : "badge"}>${t(`sessions.${each.state}`)}</span>${each.attested && html` <span class="badge off">${t("sessions.attested")}</span>`}`],
    [t("sessions.lasted"), (each) => (each.started ? duration(Math.round((each.ended ?? Date.now() / 1000) - each.started)) : "–"), "number"],
    [t("sessions.energy"), (each) => energy(each.energy), "number"],
    [t("sessions.cost"), (each) => money(each.cost, token), "number"],
    [t("sessions.reason"), (each) => (each.stopped_reason ? t(`ended.${each.stopped_reason}`) : sentence(each) ?? "–")],
  ];
}

/** What condominiums owe each other for visitors' sessions. */
function Claims({ claims }) {
  const token = state.condominium.value;
  return html`<h2>${t("claims.title")}</h2><p class="quiet">${t("claims.how")}</p>
    <${Table} label=${t("claims.title")} rows=${claims.rows} empty="" more=${claims.more} columns=${[
      [t("history.time"), (each) => html`<a href=${`#/sessions/${each.session}`}>${moment(each.at)}</a>`],
      [t("claims.direction"), (each) => (each.host === token.code ? t("claims.of-us", { code: each.issuer }) : t("claims.on-us", { code: each.host }))],
      [t("buy.amount"), (each) => money(each.amount, token), "number"],
      [t("money.state"), (each) => t(each.clearing ? "claims.cleared" : "claims.open")],
    ]} />`;
}
