// Radar: how something spreads over the hours of a day or the days of a week (paper, figure 8a).

import { html } from "../html.js";
import { number } from "../i18n.js";
import { Frame, useWidth } from "./frame.js";
import { digits, ticks } from "./ticks.js";

const WIDEST = 340;
const MARGIN = 30;

/**
 * @param {{title: string, note?: string, unit: string, heads: [string, string], format?: (value: number) => string,
 *   spokes: {label: string, long?: string, value: number}[]}} props
 * Spokes go clockwise from the top. `label` may be empty: of 24 hours every third needs a name.
 */
export function Radar({ title, note, unit, heads, spokes, format = (value) => `${number(value, 1)} ${unit}` }) {
  const [ref, width] = useWidth();
  const table = () => ({ heads, rows: spokes.map((spoke) => [spoke.long ?? spoke.label, format(spoke.value)]) });
  return html`<${Frame} title=${title} note=${note ?? unit} table=${table}>
    <div ref=${ref} class="picture round">${width > 0 && html`<${Picture} title=${title} spokes=${spokes} format=${format} size=${Math.min(width, WIDEST)} />`}</div>
  <//>`;
}

function Picture({ title, spokes, format, size }) {
  const rings = ticks(Math.max(0, ...spokes.map((spoke) => spoke.value)), 3);
  const outer = rings.at(-1);
  const radius = size / 2 - MARGIN;
  const at = (index, share) => {
    const angle = (2 * Math.PI * index) / spokes.length - Math.PI / 2;
    return [size / 2 + Math.cos(angle) * radius * share, size / 2 + Math.sin(angle) * radius * share];
  };
  const ring = (share) => spokes.map((_, index) => at(index, share).map((each) => each.toFixed(1)).join(",")).join(" ");
  const points = spokes.map((spoke, index) => at(index, spoke.value / outer));
  const places = digits(rings);
  return html`<svg role="img" aria-label=${title} width=${size} height=${size} viewBox=${`0 0 ${size} ${size}`}>
    ${rings.slice(1).map((step) => html`<polygon class="grid" points=${ring(step / outer)} />`)}
    ${spokes.map((spoke, index) => {
      const [x, y] = at(index, 1);
      const [labelX, labelY] = at(index, 1 + 14 / radius);
      return html`<line class="grid" x1=${size / 2} y1=${size / 2} x2=${x} y2=${y} />
        ${spoke.label && html`<text class="tick" x=${labelX} y=${labelY + 4} text-anchor="middle">${spoke.label}</text>`}`;
    })}
    <polygon class="area" points=${points.map((point) => point.map((each) => each.toFixed(1)).join(",")).join(" ")} />
    ${points.map(([x, y], index) => html`<g><title>${`${spokes[index].long ?? spokes[index].label}: ${format(spokes[index].value)}`}</title>
      <circle class="reach" cx=${x} cy=${y} r="10" /><circle class="mark" cx=${x} cy=${y} r=${spokes[index].value ? 3 : 1.5} /></g>`)}
    ${rings.slice(1).map((step) => html`<text class="tick on-line" x=${size / 2 + 4} y=${size / 2 - (radius * step) / outer + 11}>${number(step, places)}</text>`)}
  </svg>`;
}
