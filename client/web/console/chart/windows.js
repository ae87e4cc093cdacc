// Charging windows: a row for each unit, what waited and what charged over a stretch of time (paper, figure 23).

import { Frame, useWidth } from "../../shared/chart/frame.js";
import { html } from "../../shared/html.js";
import { moment, t } from "../../shared/i18n.js";

const ROW = 40;
const TOP = 20;
const LEFT = 44;
const CLOCK = { hour: "2-digit", minute: "2-digit" };

/**
 * @param {{title: string, note: string, from: number, until: number,
 *   rows: {unit: number, pieces: {kind: "waited" | "charged", session: string, from: number, to: number}[]}[]}} props
 */
export function Windows({ title, note, from, until, rows }) {
  const [ref, width] = useWidth();
  const pieces = rows.flatMap(({ unit, pieces: own }) => own.map((piece) => ({ unit, ...piece })));
  const table = () => ({
    heads: [t("sign.unit"), t("money.state"), t("period.from"), t("period.to")],
    rows: pieces.map((each) => [each.unit, t(`windows.${each.kind}`), moment(each.from, CLOCK), moment(each.to, CLOCK)]),
  });
  return html`<${Frame} title=${title} note=${note} table=${table}>
    <div ref=${ref} class="picture">${width > 0 && html`<${Picture} title=${title} from=${from} until=${until} rows=${rows} width=${width} />`}</div>
    <p class="key small"><span class="swatch waited"></span>${t("windows.waited")} <span class="swatch charged"></span>${t("windows.charged")}</p>
  <//>`;
}

function Picture({ title, from, until, rows, width }) {
  const height = TOP + ROW * rows.length + 6;
  const x = (time) => LEFT + ((width - LEFT - 8) * (time - from)) / (until - from);
  const every = width < 500 ? 6 : 3;
  const hours = Array.from({ length: Math.floor((until - from) / 3600 / every) + 1 }, (_, index) => from + index * every * 3600);
  return html`<svg role="img" aria-label=${title} width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`}>
    ${hours.map((hour) => html`<line class="grid" x1=${x(hour)} x2=${x(hour)} y1=${TOP - 4} y2=${height} /><text class="tick" x=${x(hour)} y="11" text-anchor="middle">${new Date(hour * 1000).getHours()}</text>`)}
    ${rows.map(({ unit, pieces }, index) => html`<text class="value" x="0" y=${TOP + ROW * index + ROW / 2 + 4}>${unit}</text>
      ${pieces.map((piece) => html`<rect class=${piece.kind} x=${x(piece.from)} y=${TOP + ROW * index + 6} width=${Math.max(2, x(piece.to) - x(piece.from))} height=${ROW - 12} rx="2">
        <title>${`${t("home.unit", { unit })}, ${t(`windows.${piece.kind}`)}: ${moment(piece.from, CLOCK)} – ${moment(piece.to, CLOCK)}`}</title></rect>`)}`)}
  </svg>`;
}
