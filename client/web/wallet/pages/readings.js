// What the meter said in one session: charts, figures, and the list of readings (paper, figures 8a and 8b).

import { useEffect, useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { moment, number, t } from "../../shared/i18n.js";
import { Failure, Heading, Notice } from "../../shared/parts.js";
import * as state from "../state.js";

const ROWS = 50;
/** Readings from which on their mean and their deviation say something. */
const TELLING = 5;
/** Measurands, how a reading gives them, and their units. */
const MEASURANDS = {
  power: { unit: "kW", of: (row) => row.power / 1000 },
  current: { unit: "A", of: (row) => row.current / 1000 },
  energy: { unit: "kWh", of: (row) => row.energy / 1000 },
  voltage: { unit: "V", of: (row) => row.voltage },
};

/** The readings of a session, all pages; more of them as they come while it runs. */
function useReadings(id, running) {
  const [known, setKnown] = useState({ rows: null, error: null });
  useEffect(() => {
    let wanted = true;
    let rows = [];
    let bookmark = "";
    const read = async () => {
      try {
        do {
          const from = bookmark;
          const page = await state.signed("GET", `/v1/sessions/${id}/readings${from && `?bookmark=${from}`}`);
          if (!wanted) return;
          const last = rows.at(-1)?.time ?? 0;
          rows = [...rows, ...page.rows.filter((row) => row.time > last)];
          // The last page is read again while the session runs: it grows.
          bookmark = page.bookmark || from;
          setKnown({ rows, error: null });
          if (!page.bookmark) break;
        } while (wanted);
      } catch (error) {
        if (wanted) setKnown({ rows: rows.length ? rows : null, error });
      }
    };
    read();
    const timer = running ? setInterval(read, 10_000) : null;
    return () => { wanted = false; clearInterval(timer); };
  }, [id, running]);
  return known;
}

/** Charts and figures of a session, below what it came to. */
export function Readings({ session }) {
  if (!state.key.value) return html`<p class="quiet">${t("readings.locked")}</p>`;
  return html`<${Charts} session=${session} />`;
}

function Charts({ session }) {
  const { rows, error } = useReadings(session.session, session.activity !== "ended");
  const [parts, setParts] = useState(null);
  const [shown, setShown] = useState("power");
  useEffect(() => {
    Promise.all([import("../../shared/chart/series.js"), import("../../shared/chart/measures.js")]).then(([a, b]) => setParts({ ...a, ...b }));
  }, []);
  if (error && !rows) return html`<${Failure} error=${error} />`;
  if (!rows || !parts) return html`<p class="quiet">${t("wait")}</p>`;
  if (rows.length < 2) return html`<p class="quiet">${t("readings.few")}</p>`;
  const { unit, of } = MEASURANDS[shown];
  const values = rows.map(of);
  const isTelling = rows.length >= TELLING && values.some((value) => value > 0);
  const against = ["temperature", "humidity"].map((name) => ({ label: t(`readings.${name}`).toLocaleLowerCase(), values: rows.map((row) => row[name]) }));
  return html`<section class="card">
    <h2>${t("readings.title")}</h2>
    <div class="sections" role="group" aria-label=${t("readings.what")}>${Object.keys(MEASURANDS).map((name) => html`<button type="button" aria-pressed=${String(name === shown)} onClick=${() => setShown(name)}>${t(`readings.${name}`)}</button>`)}</div>
    <${parts.Series} key=${shown} title=${t(`readings.${shown}`)} unit=${unit} times=${rows.map((row) => row.time)} lines=${[{ label: t(`readings.${shown}`), values }]} />
    ${isTelling && html`<${parts.Measures} values=${values} unit=${unit} against=${against} />`}
    <p><a href=${`#/readings/${session.session}`}>${t("readings.list")}</a></p>
  </section>`;
}

/** The list, a page at a time. */
export function Page({ argument }) {
  const { rows, error } = useReadings(argument, false);
  const [count, setCount] = useState(ROWS);
  const measured = (value, unit) => (value === null ? "–" : `${number(value)} ${unit}`);
  return html`
    <${Heading}>${t("readings.list")}<//>
    <p><a href=${`#/session/${argument}`}>${t("readings.back")}</a></p>
    <${Failure} error=${error} />
    ${rows?.length === 0 && html`<${Notice}>${t("readings.few")}<//>`}
    ${rows?.length > 0 && html`<p class="quiet">${t("readings.count", { shown: Math.min(count, rows.length), all: rows.length })}</p>
      <div class="scroll" tabindex="0" role="region" aria-label=${t("readings.list")}><table class="dense">
        <thead><tr>${["time", "power", "current", "energy", "voltage", "temperature", "humidity"].map((name, index) => html`<th scope="col" class=${index ? "number" : ""}>${t(`readings.${name}`)}</th>`)}</tr></thead>
        <tbody>${rows.slice(0, count).map((row) => html`<tr><td>${moment(row.time, { dateStyle: "short", timeStyle: "medium" })}</td>
          <td class="number">${number(row.power / 1000, 2)} kW</td><td class="number">${number(row.current / 1000, 2)} A</td><td class="number">${number(row.energy / 1000, 3)} kWh</td>
          <td class="number">${row.voltage} V</td><td class="number">${measured(row.temperature, "°C")}</td><td class="number">${measured(row.humidity, "%")}</td></tr>`)}</tbody>
      </table></div>
      ${count < rows.length && html`<p><button class="plain wide" onClick=${() => setCount(count + ROWS)}>${t("more")}</button></p>`}`}
  `;
}
