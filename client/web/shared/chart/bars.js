// Bars: one value for each day, month or session.

import { html } from "../html.js";
import { number } from "../i18n.js";
import { Frame, useWidth } from "./frame.js";
import { digits, ticks } from "./ticks.js";

const HEIGHT = 176;
const LEFT = 44;
const BOTTOM = 22;
const TOP = 18;
const LABEL = 34;
/** Width from which a bar carries its value. */
const SPOKEN = 30;

/**
 * @param {{title: string, note?: string, unit: string, heads: [string, string], format?: (value: number) => string,
 *   bars: {label: string, long?: string, value: number}[]}} props
 * `label` stands below its bar where there is room, `long` in the table and on hovering; `format` writes a value
 * with its unit.
 */
export function Bars({ title, note, unit, heads, bars, format = (value) => `${number(value, 1)} ${unit}` }) {
  const [ref, width] = useWidth();
  const table = () => ({ heads, rows: bars.map((bar) => [bar.long ?? bar.label, format(bar.value)]) });
  return html`<${Frame} title=${title} note=${note ?? unit} table=${table}>
    <div ref=${ref} class="picture">${width > 0 && html`<${Picture} title=${title} bars=${bars} width=${width} format=${format} />`}</div>
  <//>`;
}

function Picture({ title, bars, width, format }) {
  const values = bars.map((bar) => bar.value);
  const steps = ticks(Math.max(0, ...values), 4, Math.min(0, ...values));
  const [bottom, top] = [steps[0], steps.at(-1)];
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - bottom) / (top - bottom));
  const slot = (width - LEFT) / Math.max(1, bars.length);
  const thick = Math.max(1, Math.min(48, slot * 0.72));
  const every = Math.ceil(LABEL / slot);
  const places = digits(steps);
  const greatest = Math.max(...values);
  const finer = values.every(Number.isInteger) ? 0 : greatest < 100 ? Math.max(1, places) : places;
  return html`<svg role="img" aria-label=${title} width=${width} height=${HEIGHT} viewBox=${`0 0 ${width} ${HEIGHT}`}>
    ${steps.map((step) => html`<line class="grid" x1=${LEFT} x2=${width} y1=${y(step)} y2=${y(step)} />
      <text class="tick" x=${LEFT - 6} y=${y(step) + 4} text-anchor="end">${number(step, places)}</text>`)}
    ${bars.map((bar, index) => {
      const x = LEFT + slot * index + (slot - thick) / 2;
      const middle = x + thick / 2;
      const high = Math.max(bar.value ? 1 : 0, Math.abs(y(bar.value) - y(0)));
      return html`<g class="bar"><title>${`${bar.long ?? bar.label}: ${format(bar.value)}`}</title>
        <rect class="reach" x=${LEFT + slot * index} y=${TOP} width=${slot} height=${HEIGHT - TOP - BOTTOM} />
        <rect class="mark" x=${x} y=${Math.min(y(bar.value), y(0))} width=${thick} height=${high} rx=${Math.min(3, thick / 3)} />
        ${bar.value !== 0 && (slot >= SPOKEN || bar.value === greatest) && html`<text class="value" x=${middle} y=${y(bar.value) - 5} text-anchor=${anchor(middle, width)}>${number(bar.value, finer)}</text>`}
        ${index % every === 0 && html`<text class="tick" x=${middle} y=${HEIGHT - 6} text-anchor=${anchor(middle, width)}>${bar.label}</text>`}
      </g>`;
    })}
  </svg>`;
}

/** Keep the last label inside the picture. */
function anchor(middle, width) {
  return middle > width - 16 ? "end" : "middle";
}
