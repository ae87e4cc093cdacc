// Usage: what was charged and paid in a period, when, and what its figures say (paper, figures 7b and 8a).

import { useEffect, useState } from "preact/hooks";

import { Bars } from "../../shared/chart/bars.js";
import { Measures } from "../../shared/chart/measures.js";
import { Radar } from "../../shared/chart/radar.js";
import { html } from "../../shared/html.js";
import { duration, energy, moment, money, number, t } from "../../shared/i18n.js";
import { Failure, Heading, Pairs } from "../../shared/parts.js";
import { carOf, habitsOf } from "../car.js";
import { PERIODS, bucketsOf, spanOf, titleOf } from "../period.js";
import * as state from "../state.js";
import { Sections } from "./history.js";

const MONDAY = 1;

export function Page() {
  const [period, setPeriod] = useState("month");
  const [back, setBack] = useState(0);
  const span = spanOf(period, back);
  const { rows, sessions, error } = useUsage(span);
  return html`
    <${Heading}>${t("usage.title")}<//>
    <${Sections} here="usage" />
    <div class="sections" role="group" aria-label=${t("usage.period")}>${PERIODS.map((each) => html`<button type="button" aria-pressed=${String(each === period)} onClick=${() => { setPeriod(each); setBack(0); }}>${t(`period.${each}`)}</button>`)}</div>
    <div class="row stepper"><button type="button" class="plain" aria-label=${t("usage.before")} onClick=${() => setBack(back + 1)}>←</button>
      <strong aria-live="polite">${titleOf(period, span)}</strong>
      <button type="button" class="plain" aria-label=${t("usage.after")} disabled=${back === 0} onClick=${() => setBack(back - 1)}>→</button></div>
    <${Failure} error=${error} />
    ${!rows && !error && html`<p>${t("wait")}</p>`}
    ${rows && sessions && html`<${Figures} period=${period} span=${span} rows=${rows} sessions=${sessions} />`}
  `;
}

/** The quarters of an hour of a span and the sessions that they belong to. */
function useUsage([since, until]) {
  const [known, setKnown] = useState({ rows: null, sessions: null, error: null });
  useEffect(() => {
    let wanted = true;
    setKnown({ rows: null, sessions: null, error: null });
    const wallet = `/v1/wallets/${state.current.value.id}`;
    const read = async () => {
      const rows = await everything((bookmark) => state.signed("GET", `${wallet}/usage?since=${since}&until=${until}${bookmark && `&bookmark=${bookmark}`}`));
      // Newest first: the list is read until it is older than the span by more than a session can last.
      const sessions = await everything((bookmark) => state.sessions(bookmark), (page) => page.some((each) => each.opened < since - 8 * 86_400));
      if (wanted) setKnown({ rows, sessions, error: null });
    };
    read().catch((error) => wanted && setKnown({ rows: null, sessions: null, error }));
    return () => { wanted = false; };
  }, [since, until]);
  return known;
}

async function everything(read, enough = () => false) {
  const rows = [];
  let bookmark = "";
  do {
    const page = await read(bookmark);
    rows.push(...page.rows);
    bookmark = enough(page.rows) ? "" : page.bookmark;
  } while (bookmark);
  return rows;
}

function Figures({ period, span, rows, sessions }) {
  const token = state.condominium.value;
  const byId = new Map(sessions.map((session) => [session.session, session]));
  const shown = new Set(rows.map((row) => row.session));
  if (!rows.length) return html`<div class="empty"><p>${t("usage.none")}</p></div>`;
  // A session's cost is shared out as its energy flowed; the ledger knows it only whole.
  const costOf = (row) => {
    const session = byId.get(row.session);
    return session?.energy ? ((session.cost ?? 0) * row.energy) / session.energy : 0;
  };
  const kilowattHours = (row) => row.energy / 1000;
  const sum = (of) => rows.reduce((so, row) => so + of(row), 0);
  const write = (value) => money(Math.round(value * 10 ** token.decimals), token);
  const buckets = bucketsOf(period, span);
  const bars = (of) => buckets.map((bucket) => ({ ...bucket, value: rows.filter((row) => row.time >= bucket.since && row.time < bucket.until).reduce((so, row) => so + of(row), 0) }));
  const heads = (name) => [t("chart.time"), t(name)];
  const amperes = rows.filter((row) => row.samples > 0);
  return html`
    <section class="totals"><div><span>${t("usage.energy")}</span><strong class="numbers">${energy(sum((row) => row.energy), 1)}</strong></div>
      <div><span>${t("usage.cost")}</span><strong class="numbers">${money(Math.round(sum(costOf)), token)}</strong></div>
      <div><span>${t("usage.sessions")}</span><strong class="numbers">${number(shown.size)}</strong></div></section>
    <div class="charts"><section class="card"><${Bars} title=${t("usage.energy")} unit="kWh" heads=${heads("usage.energy")} bars=${bars(kilowattHours)} format=${(value) => `${number(value, 2)} kWh`} /></section>
    <section class="card"><${Bars} title=${t("usage.cost")} unit=${token.currency} heads=${heads("usage.cost")} bars=${bars((row) => costOf(row) / 10 ** token.decimals)} format=${write} /></section>
    <section class="card"><${Radar} title=${t("usage.by-hour")} unit="kWh" heads=${heads("usage.energy")} spokes=${hours(rows)} /></section>
    <section class="card"><${Radar} title=${t("usage.by-weekday")} unit="kWh" heads=${heads("usage.energy")} spokes=${weekdays(rows)} /></section>
    <section class="card"><h2>${t("usage.current")} <small class="quiet">${t("usage.quarters")}</small></h2>
      <${Measures} values=${amperes.map((row) => row.current / 1000)} unit="A" against=${["temperature", "humidity"].map((name) => ({ label: t(`readings.${name}`).toLocaleLowerCase(), values: amperes.map((row) => row[name]) }))} /></section>
    <${Pattern} sessions=${sessions.filter((session) => shown.has(session.session))} token=${token} /></div>
  `;
}

/** What this resident usually does. */
function Pattern({ sessions, token }) {
  const habits = habitsOf(sessions);
  if (!habits) return null;
  const { capacity } = carOf(state.current.value.id);
  const hour = new Date();
  hour.setHours(habits.begins, 0, 0, 0);
  return html`<section class="card"><h2>${t("usage.pattern")}</h2><${Pairs} rows=${[
    [t("usage.begins"), moment(hour.getTime() / 1000, { hour: "2-digit", minute: "2-digit" })],
    [t("usage.lasts"), duration(habits.lasts)],
    [t("usage.each"), energy(habits.energy, 1)],
    [t("usage.share"), capacity ? `${number((100 * habits.energy) / capacity)} %` : null],
    [t("usage.power"), `${number(habits.power / 1000, 1)} kW`],
    [t("usage.locks"), money(habits.amount, token)],
  ]} /></section>`;
}

function hours(rows) {
  return Array.from({ length: 24 }, (_, hour) => ({
    label: hour % 3 ? "" : String(hour),
    long: t("usage.hour", { from: hour, to: (hour + 1) % 24 }),
    value: rows.filter((row) => new Date(row.time * 1000).getHours() === hour).reduce((so, row) => so + row.energy / 1000, 0),
  }));
}

function weekdays(rows) {
  return Array.from({ length: 7 }, (_, index) => {
    const day = (MONDAY + index) % 7;
    // 4 January 1970 was a Sunday.
    const name = (weekday) => moment((3 + day) * 86_400 + 43_200, { weekday, timeZone: "UTC" });
    return { label: name("short"), long: name("long"), value: rows.filter((row) => new Date(row.time * 1000).getDay() === day).reduce((so, row) => so + row.energy / 1000, 0) };
  });
}
