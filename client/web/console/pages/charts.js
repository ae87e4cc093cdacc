// Charts: the figures of the paper's case study (19 to 25) from the condominium's own sessions.

import { useMemo, useState } from "preact/hooks";

import { Bars } from "../../shared/chart/bars.js";
import { Measures } from "../../shared/chart/measures.js";
import { Series } from "../../shared/chart/series.js";
import { correlation } from "../../shared/chart/statistics.js";
import { html } from "../../shared/html.js";
import { moment, number, t } from "../../shared/i18n.js";
import { Failure, Heading, Notice } from "../../shared/parts.js";
import { Scatter } from "../chart/scatter.js";
import { Windows } from "../chart/windows.js";
import { LONG, charges, distribution, pauses, shareOfTime, shareWithin, simultaneous, windows } from "../figures.js";
import { query, usePeriod } from "../period.js";
import { listOf, useReading } from "./reading.js";

const SHORT_DAY = { day: "2-digit", month: "2-digit" };
const DAY = 86_400;
/** Stretches of the distributions: hours, kWh and hours between, and how many of each. */
const BINS = { hours: [2, 6], energy: [5, 6], between: [10, 8] };
/** What the paper asks of its distributions: six hours, 15 kWh, 20 hours between. */
const WITHIN = { hours: 6, energy: 15, between: 20 };

export function Charts() {
  const [span, fields] = usePeriod(90);
  const [unit, setUnit] = useState("");
  const units = useReading("/v1/units");
  const { answer, error } = useReading(`/v1/reports/sessions?${query(span)}${unit && `&unit=${unit}`}`);
  const charged = useMemo(() => (answer ? charges(answer.sessions) : []), [answer]);
  return html`
    <div class="head"><${Heading}>${t("console.charts")}<//></div>
    <div class="inline">${fields}
      <label>${t("sign.unit")}<select onChange=${(event) => setUnit(event.target.value)}><option value="">${t("filter.all")}</option>
        ${listOf(units.answer).map((each) => html`<option value=${each.unit}>${each.unit} · ${each.name}</option>`)}</select></label></div>
    <${Failure} error=${error ?? units.error} />
    ${!answer && !error && html`<p class="quiet">${t("wait")}</p>`}
    ${answer && !answer.complete && html`<${Notice}>${t("charts.incomplete", { count: answer.sessions.length })}<//>`}
    ${answer && charged.length === 0 && html`<div class="empty"><p>${t("charts.empty")}</p></div>`}
    ${charged.length > 0 && html`<p class="quiet">${t("charts.count", { count: charged.length })}</p>
      <${PerSession} charged=${charged} />
      <${Together} charged=${charged} />
      <${OneDay} sessions=${answer.sessions} charged=${charged} />
      <${Long} charged=${charged} />
      <${Distributions} charged=${charged} />`}
  `;
}

/** Figures 21 and 22: hours and energy of each session, with their measures. */
function PerSession({ charged }) {
  const bars = (member) => charged.map((each) => ({ label: moment(each.started, SHORT_DAY), long: moment(each.started), value: each[member] }));
  return html`<div class="pair">
    <section class="card"><${Bars} title=${t("charts.hours")} unit="h" heads=${[t("sessions.started"), t("charts.hours")]} bars=${bars("hours")} />
      <${Measures} values=${charged.map((each) => each.hours)} unit="h" /></section>
    <section class="card"><${Bars} title=${t("charts.energy")} unit="kWh" heads=${[t("sessions.started"), t("charts.energy")]} bars=${bars("energyKwh")} />
      <${Measures} values=${charged.map((each) => each.energyKwh)} unit="kWh" /></section></div>`;
}

/** Figure 20: how many cars charged at the same time. */
function Together({ charged }) {
  const steps = useMemo(() => simultaneous(charged), [charged]);
  const lines = useMemo(() => [{ label: t("charts.together"), values: steps.counts }], [steps]);
  const note = t("charts.together-note", { share: number(100 * shareOfTime(steps, 2)) });
  return html`<section class="card"><${Series} title=${t("charts.together")} note=${note} unit=${t("charts.cars")} times=${steps.times} lines=${lines} step /></section>`;
}

/** Figure 23: who charged and who waited, on one day. */
function OneDay({ sessions, charged }) {
  const [start, setStart] = useState(() => midnight(charged.at(-1).started));
  const rows = windows(sessions, start, start + DAY, Date.now() / 1000);
  const day = moment(start, { dateStyle: "full" });
  return html`<section class="card">
    ${rows.length > 0 ? html`<${Windows} title=${t("charts.windows")} note=${day} from=${start} until=${start + DAY} rows=${rows} />` : html`<p><strong>${t("charts.windows")}</strong> ${day}</p><p class="quiet">${t("charts.no-windows")}</p>`}
    <div class="actions"><button class="plain" onClick=${() => setStart(midnight(start - DAY / 2))}>${t("charts.day-before")}</button>
      <button class="plain" onClick=${() => setStart(midnight(start + DAY * 1.5))}>${t("charts.day-after")}</button></div></section>`;
}

/** Figure 19: average power against charging time, of long sessions. */
function Long({ charged }) {
  const long = charged.filter((each) => each.hours > LONG);
  if (long.length < 3) return html`<section class="card"><strong>${t("charts.power")}</strong><p class="quiet">${t("charts.too-few-long", { hours: LONG })}</p></section>`;
  const known = correlation(long.map((each) => each.hours), long.map((each) => each.powerKw));
  const note = known === null ? t("chart.no-correlation") : t("charts.correlation", { value: number(known, 2) });
  const points = long.map((each) => ({ name: `${moment(each.started)}, ${t("home.unit", { unit: each.unit })}`, x: each.hours, y: each.powerKw }));
  return html`<section class="card"><${Scatter} title=${t("charts.power")} note=${note} units=${["h", "kW"]} heads=${[t("console.sessions"), t("charts.hours"), t("charts.average-power")]} points=${points} /></section>`;
}

/** Figures 24 and 25: charging time, energy, and the time between a wallet's sessions. */
function Distributions({ charged }) {
  const between = pauses(charged);
  const kinds = [
    ["hours", charged.map((each) => each.hours), "h"],
    ["energy", charged.map((each) => each.energyKwh), "kWh"],
    ["between", between, "h"],
  ];
  return html`<div class="pair">${kinds.map(([kind, values, measure]) => html`<section class="card">
    ${values.length === 0 ? html`<strong>${t(`distribution.${kind}`)}</strong><p class="quiet">${t("charts.no-pauses")}</p>` : html`<${Bars} title=${t(`distribution.${kind}`)} unit=${t("charts.sessions")}
      note=${t(`within.${kind}`, { share: number(100 * shareWithin(values, WITHIN[kind])) })} heads=${[measure, t("charts.sessions")]} format=${(value) => number(value)}
      bars=${distribution(values, ...BINS[kind]).map((bin) => ({ label: bin.to === null ? `> ${bin.from}` : `${bin.from}–${bin.to}`, long: bin.to === null ? `> ${bin.from} ${measure}` : `${bin.from}–${bin.to} ${measure}`, value: bin.count }))} />`}
  </section>`)}</div>`;
}

/** The midnight that begins the reader's day. @param {number} instant Unix seconds */
function midnight(instant) {
  const day = new Date(instant * 1000);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime() / 1000;
}
