// Lines over time, drawn by uPlot: pan by dragging, zoom by pinching, by Ctrl and the wheel, by keys or buttons.
//
// uPlot sets positions through the CSS object model, which the page's policy allows; no style is written inline.

import { useEffect, useRef, useState } from "preact/hooks";

import { html } from "../html.js";
import { moment, number, t } from "../i18n.js";
import { stylesheet } from "../stylesheet.js";
import { Frame, useWidth } from "./frame.js";
import { Gestures } from "./gestures.js";
import { mean } from "./statistics.js";
import { digits, ticks } from "./ticks.js";

const HEIGHT = 220;
const DAY = 86_400;
/** Rows of the table: a longer series is told in means of equal stretches of time. */
const ROWS = 48;

/**
 * @param {{title: string, note?: string, unit: string, times: number[], step?: boolean, height?: number,
 *   lines: {label: string, values: (number | null)[]}[]}} props
 * `times` are Unix seconds, rising; every line has a value or null for each. At most four lines, each named at its
 * end. `step` draws what holds until the next value.
 */
export function Series({ title, note, unit, times, lines, step = false, height = HEIGHT }) {
  const [ref, width] = useWidth();
  const plot = useRef(null);
  const [ready, setReady] = useState(null);
  useEffect(() => {
    let wanted = true;
    Promise.all([import("uplot"), stylesheet("/vendor/uplot.css")]).then(([module]) => wanted && setReady(() => module.default));
    return () => { wanted = false; };
  }, []);
  const table = () => rowsOf({ times, lines, unit });
  return html`<${Frame} title=${title} note=${note ?? unit} table=${table}>
    <div ref=${ref} class="picture">
      ${width > 0 && ready && times.length > 0 && html`<${Canvas} plot=${plot} Plot=${ready} title=${title} unit=${unit} times=${times} lines=${lines} step=${step} width=${width} height=${height} />`}
    </div>
    <div class="tools" role="group" aria-label=${t("chart.tools")}>
      <button type="button" class="plain" aria-label=${t("chart.earlier")} onClick=${() => plot.current?.pan(-0.5)}>←</button>
      <button type="button" class="plain" aria-label=${t("chart.later")} onClick=${() => plot.current?.pan(0.5)}>→</button>
      <button type="button" class="plain" aria-label=${t("chart.zoom-in")} onClick=${() => plot.current?.zoom(0.5)}>+</button>
      <button type="button" class="plain" aria-label=${t("chart.zoom-out")} onClick=${() => plot.current?.zoom(2)}>−</button>
      <button type="button" class="plain" onClick=${() => plot.current?.whole()}>${t("chart.whole")}</button>
    </div>
  <//>`;
}

function Canvas({ plot, Plot, title, unit, times, lines, step, width, height }) {
  const holder = useRef(null);
  const tip = useRef(null);
  const drawn = useRef(null);
  useEffect(() => {
    const options = optionsOf({ Plot, holder: holder.current, tip: tip.current, unit, lines, step, width, height });
    const figure = new Plot(options, [times, ...lines.map((line) => line.values)], holder.current);
    drawn.current = figure;
    plot.current = new Gestures(figure, holder.current, [times[0], times.at(-1)]);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const repaint = () => figure.redraw(false);
    dark.addEventListener("change", repaint);
    return () => {
      dark.removeEventListener("change", repaint);
      plot.current?.release();
      plot.current = null;
      figure.destroy();
    };
  }, [Plot, lines.map((line) => line.label).join("\n"), unit, step]);
  useEffect(() => { drawn.current?.setSize({ width, height }); }, [width, height]);
  useEffect(() => {
    drawn.current?.setData([times, ...lines.map((line) => line.values)], false);
    plot.current?.reach([times[0], times.at(-1)]);
  }, [times, lines]);
  // The application role hands the arrow keys to the chart; what it shows is in the table below.
  return html`<div class="canvas" ref=${holder} tabindex="0" role="application" aria-label=${t("chart.keys", { title })}>
    ${lines.map((_, index) => html`<span class=${`probe line-${index + 1}`}></span>`)}
    <span class="probe quiet"></span><span class="probe ground"></span><div class="tip" ref=${tip} hidden></div>
  </div>`;
}

/** What uPlot is to draw. Colours are asked for at each drawing: they follow the reader's scheme. */
function optionsOf({ Plot, holder, tip, unit, lines, step, width, height }) {
  const probes = [...holder.querySelectorAll(".probe")];
  const colour = (index) => getComputedStyle(probes[index]).color;
  const quiet = () => colour(lines.length);
  const faint = () => `color-mix(in srgb, ${quiet()} 25%, transparent)`;
  const paths = step ? Plot.paths.stepped({ align: 1 }) : undefined;
  return {
    width,
    height,
    legend: { show: false },
    cursor: { drag: { x: false, y: false, setScale: false }, y: false },
    padding: [14, lines.length > 1 ? 12 : 8, 0, 0],
    scales: { x: { time: true }, y: { range: (_, least, greatest) => rangeOf(least, greatest) } },
    axes: [
      { stroke: quiet, grid: { stroke: faint }, ticks: { stroke: faint }, font: "11px system-ui", values: timesOf, space: 72 },
      { stroke: quiet, grid: { stroke: faint }, ticks: { show: false }, font: "11px system-ui", size: 46, values: (_, splits) => splits.map((each) => number(each, digits(splits))) },
    ],
    series: [{}, ...lines.map((line, index) => ({ label: line.label, stroke: () => colour(index), width: 2, paths, points: { show: false } }))],
    hooks: {
      draw: [(figure) => lines.length > 1 && nameLines(figure, lines, colour)],
      setCursor: [(figure) => showTip(figure, tip, lines, unit)],
    },
  };
}

function rangeOf(least, greatest) {
  const steps = ticks(greatest ?? 1, 4, least ?? 0);
  return [steps[0], steps.at(-1)];
}

/** Labels of the time axis: the hour within a day, the day beyond. */
function timesOf(_, splits, _axis, _space, increment) {
  const day = { day: "numeric", month: "short" };
  const hour = { hour: "2-digit", minute: "2-digit", ...(increment < 60 ? { second: "2-digit", hourCycle: "h23" } : {}) };
  return splits.map((each, index) => {
    if (increment >= DAY) return moment(each, day);
    const before = splits[index - 1];
    const turned = before === undefined || new Date(before * 1000).getDate() !== new Date(each * 1000).getDate();
    return turned ? `${moment(each, hour)}\n${moment(each, day)}` : moment(each, hour);
  });
}

/** Each line's name at its last point in view, moved apart where two would stand on each other. */
function nameLines(figure, lines, colour) {
  const { ctx, bbox } = figure;
  const ratio = devicePixelRatio;
  const last = figure.valToIdx(figure.scales.x.max);
  const names = lines
    .map((line, index) => ({ line, index, value: lastIn(line.values, last) }))
    .filter(({ value }) => value !== null)
    .map((each) => ({ ...each, y: figure.valToPos(each.value, "y", true) - 6 * ratio }))
    .sort((a, b) => a.y - b.y);
  const apart = 13 * ratio;
  names.forEach((each, place) => {
    each.y = Math.max(each.y, bbox.top + 10 * ratio, place ? names[place - 1].y + apart : 0);
  });
  ctx.save();
  ctx.font = `600 ${12 * ratio}px system-ui`;
  ctx.textAlign = "right";
  ctx.lineWidth = 4 * ratio;
  ctx.strokeStyle = colour(lines.length + 1);
  names.forEach(({ line, index, y }) => {
    const x = bbox.left + bbox.width - 4 * ratio;
    ctx.strokeText(line.label, x, y);
    ctx.fillStyle = colour(index);
    ctx.fillText(line.label, x, y);
  });
  ctx.restore();
}

function lastIn(values, index) {
  for (let place = Math.min(index, values.length - 1); place >= 0; place -= 1) if (values[place] !== null) return values[place];
  return null;
}

/** Time and values beside the cursor. */
function showTip(figure, tip, lines, unit) {
  const { idx: index, left, top } = figure.cursor;
  tip.hidden = index === null || index === undefined || left < 0;
  if (tip.hidden) return;
  const when = document.createElement("strong");
  when.textContent = moment(figure.data[0][index], { dateStyle: "short", timeStyle: "medium" });
  const values = lines.map((line, place) => {
    const row = document.createElement("div");
    row.className = `line-${place + 1}`;
    const value = line.values[index];
    row.textContent = `${lines.length > 1 ? `${line.label} ` : ""}${value === null || value === undefined ? "–" : `${number(value, 2)} ${unit}`}`;
    return row;
  });
  tip.replaceChildren(when, ...values);
  const room = figure.width - tip.offsetWidth;
  const beside = figure.bbox.left / devicePixelRatio + left + 14;
  tip.style.left = `${Math.max(0, Math.min(room, beside > room ? beside - tip.offsetWidth - 28 : beside))}px`;
  tip.style.top = `${Math.max(0, top - 10)}px`;
}

/** The series as a table: each value where they are few, means of equal stretches where they are many. */
function rowsOf({ times, lines, unit }) {
  const heads = [t("chart.time"), ...lines.map((line) => `${line.label} (${unit})`)];
  const write = (value) => (value === null || value === undefined ? "–" : number(value, 2));
  const at = (time) => moment(time, { dateStyle: "short", timeStyle: "medium" });
  if (times.length <= ROWS) return { heads, rows: times.map((time, index) => [at(time), ...lines.map((line) => write(line.values[index]))]) };
  const length = (times.at(-1) - times[0]) / ROWS;
  const rows = [];
  let start = 0;
  for (let place = 0; place < ROWS; place += 1) {
    const until = times[0] + length * (place + 1);
    let end = start;
    while (end < times.length && (times[end] <= until || place === ROWS - 1)) end += 1;
    if (end > start) rows.push([at(times[start]), ...lines.map((line) => write(mean(line.values.slice(start, end).filter((each) => each !== null))))]);
    start = end;
  }
  return { heads, rows };
}
