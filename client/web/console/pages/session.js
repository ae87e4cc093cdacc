// One session: as it stands, what its meter said, and what can be done about it.

import { useEffect, useState } from "preact/hooks";

import { Series } from "../../shared/chart/series.js";
import { html } from "../../shared/html.js";
import { duration, energy, moment, money, number, power, t } from "../../shared/i18n.js";
import { Failure, Form, Heading, Notice, Pairs } from "../../shared/parts.js";
import { useStream } from "../live.js";
import { sentence } from "../reason.js";
import * as state from "../state.js";
import { read } from "../state.js";
import { useReading } from "./reading.js";

/** @param {{session: string}} props the session's id */
export function SessionDetail({ session: id }) {
  const found = useReading(`/v1/sessions/${id}`);
  const live = useStream(`/v1/sessions/${id}/events`, "session");
  const session = live.answer ?? found.answer;
  if (!session) return html`<${Heading}>${t("sessions.one")}<//>${found.error ? html`<${Failure} error=${found.error} />` : html`<p>${t("wait")}</p>`}`;
  const token = state.condominium.value;
  const isOver = session.activity === "ended";
  const manages = ["ADMIN", "OPERATOR"].includes(state.account.value.role);
  return html`
    <p><a href="#/sessions">${t("console.sessions")}</a></p>
    <div class="row head"><${Heading}>${t("sessions.at", { unit: session.unit, when: moment(session.opened) })}<//>
      <span class=${session.activity === "charging" ? "badge live" : "badge"}>${t(`sessions.${session.state}`)}</span></div>
    ${session.reason && !isOver && html`<${Notice}>${sentence(session)}<//>`}
    <dl class="facts">
      <div><dt>${t("sessions.energy")}</dt><dd>${energy(session.energy)}</dd></div>
      ${!isOver && html`<div><dt>${t("sessions.power")}</dt><dd>${power(session.power)}</dd></div>`}
      <div><dt>${t("sessions.cost")}</dt><dd>${money(session.cost, token)}</dd></div>
      <div><dt>${t("sessions.escrow")}</dt><dd>${money(session.escrow, token)}</dd></div>
      ${session.refund !== null && html`<div><dt>${t("sessions.refund")}</dt><dd>${money(session.refund, token)}</dd></div>`}
      <div><dt>${t("sessions.lasted")}</dt><dd>${session.started ? duration(Math.round((session.ended ?? Date.now() / 1000) - session.started)) : "–"}</dd></div>
    </dl>
    <${Readings} id=${id} energy=${session.energy} />
    <section class="card"><${Pairs} rows=${[
      [t("sessions.opened"), moment(session.opened)],
      [t("sessions.started"), session.started && moment(session.started)],
      [t("sessions.ended"), session.ended && moment(session.ended)],
      [t("sessions.reason"), session.stopped_reason && t(`ended.${session.stopped_reason}`)],
      [t("sessions.deadline"), isOver ? null : moment(session.deadline)],
      [t("sessions.leave"), session.leave && moment(session.leave)],
      [t("sessions.wanted"), session.energy_limit && energy(session.energy_limit)],
      [t("sessions.tariff"), html`<a href="#/tariffs">${t("tariffs.number", { number: session.tariff })}</a>`],
      [t("sessions.proof"), t(session.attested ? "sessions.attested-text" : "sessions.signed-text")],
      [t("sessions.wallet"), html`<code>${session.wallet}</code>`],
      [t("sessions.id"), html`<code>${session.session}</code>`],
    ]} /></section>
    ${isOver && html`<p><a class="button plain" href=${`/v1/sessions/${id}/receipt`} download>${t("sessions.receipt")}</a></p>`}
    ${!isOver && manages && html`<${Stop} id=${id} />`}
  `;
}

/** Ending a session is asked for twice: somebody else's car stops charging. */
function Stop({ id }) {
  const [asked, setAsked] = useState(false);
  const [done, setDone] = useState(false);
  if (done) return html`<${Notice}>${t("sessions.stopping")}<//>`;
  if (!asked) return html`<div class="actions"><button class="plain" onClick=${() => setAsked(true)}>${t("sessions.stop")}</button></div>`;
  const action = async () => {
    await state.change("POST", `/v1/sessions/${id}/stop`);
    setDone(true);
  };
  return html`<div class="card"><p>${t("sessions.stop-text")}</p><${Form} action=${action} submit=${t("sessions.stop")} />
    <button class="plain" onClick=${() => setAsked(false)}>${t("sessions.keep")}</button></div>`;
}

/** Power and energy by the meter, read again when the session's energy has changed. */
function Readings({ id, energy: used }) {
  const [rows, setRows] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    let wanted = true;
    all(id).then((found) => wanted && setRows(found), setError);
    return () => { wanted = false; };
  }, [id, used]);
  if (error) return html`<${Failure} error=${error} />`;
  if (rows === null) return html`<p class="quiet">${t("wait")}</p>`;
  if (rows.length < 2) return html`<p class="quiet">${t("sessions.no-readings")}</p>`;
  const times = rows.map((row) => row.time);
  const last = rows.at(-1);
  return html`<section class="card">
      <${Series} title=${t("sessions.power")} unit="kW" times=${times} lines=${[{ label: t("sessions.power"), values: rows.map((row) => row.power / 1000) }]} />
      <${Series} title=${t("sessions.energy")} unit="kWh" times=${times} lines=${[{ label: t("sessions.energy"), values: rows.map((row) => row.energy / 1000) }]} />
    </section>
    <p class="quiet small">${t("sessions.readings", { count: rows.length })} ${last.temperature !== null ? `${number(last.temperature)} °C` : ""} ${last.humidity !== null ? `${number(last.humidity)} %` : ""}</p>`;
}

async function all(id) {
  const rows = [];
  let bookmark = "";
  do {
    const page = await read(`/v1/sessions/${id}/readings?bookmark=${bookmark}`);
    rows.push(...page.rows);
    bookmark = page.bookmark;
  } while (bookmark);
  // Two batches of one second would be a line straight up.
  return rows.filter((row, index) => index === 0 || row.time > rows[index - 1].time);
}
