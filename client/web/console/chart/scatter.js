// Points of two measures, with the mean of the second as a line (paper, figure 19).

import { Frame, useWidth } from "../../shared/chart/frame.js";
import { mean } from "../../shared/chart/statistics.js";
import { digits, ticks } from "../../shared/chart/ticks.js";
import { html } from "../../shared/html.js";
import { number, t } from "../../shared/i18n.js";

const HEIGHT = 260;
const LEFT = 44;
const BOTTOM = 36;
const TOP = 12;

/**
 * @param {{title: string, note: string, heads: [string, string, string], units: [string, string],
 *   points: {name: string, x: number, y: number}[]}} props `heads` of the name and of both measures
 */
export function Scatter({ title, note, heads, units, points }) {
  const [ref, width] = useWidth();
  const write = (value, unit) => `${number(value, 2)} ${unit}`;
  const table = () => ({ heads, rows: points.map((each) => [each.name, write(each.x, units[0]), write(each.y, units[1])]) });
  return html`<${Frame} title=${title} note=${note} table=${table}>
    <div ref=${ref} class="picture">${width > 0 && html`<${Picture} title=${title} heads=${heads} units=${units} points=${points} width=${width} write=${write} />`}</div>
  <//>`;
}

function Picture({ title, heads, units, points, width, write }) {
  const across = ticks(Math.max(...points.map((each) => each.x)), 6);
  const up = ticks(Math.max(...points.map((each) => each.y)), 4);
  const x = (value) => LEFT + ((width - LEFT - 8) * value) / across.at(-1);
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / up.at(-1));
  const middle = mean(points.map((each) => each.y));
  return html`<svg role="img" aria-label=${title} width=${width} height=${HEIGHT} viewBox=${`0 0 ${width} ${HEIGHT}`}>
    ${up.map((step) => html`<line class="grid" x1=${LEFT} x2=${width} y1=${y(step)} y2=${y(step)} /><text class="tick" x=${LEFT - 6} y=${y(step) + 4} text-anchor="end">${number(step, digits(up))}</text>`)}
    ${across.map((step) => html`<text class="tick" x=${x(step)} y=${HEIGHT - 20} text-anchor="middle">${number(step, digits(across))}</text>`)}
    <text class="tick" x=${width - 8} y=${HEIGHT - 4} text-anchor="end">${heads[1]} (${units[0]})</text>
    ${points.map((each) => html`<circle class="dot" cx=${x(each.x)} cy=${y(each.y)} r="4.5"><title>${`${each.name}: ${write(each.x, units[0])}, ${write(each.y, units[1])}`}</title></circle>`)}
    <line class="middle" x1=${LEFT} x2=${width} y1=${y(middle)} y2=${y(middle)} />
    <text class="value on-line" x=${LEFT + 8} y=${y(middle) - 6}>${t("chart.mean")} ${write(middle, units[1])}</text>
  </svg>`;
}
