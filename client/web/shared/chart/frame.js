// What every chart stands in: its heading, its picture, and the same figures as a table for whoever reads those.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { html } from "../html.js";
import { t } from "../i18n.js";
import { stylesheet } from "../stylesheet.js";

const SHEET = "/shared/chart/chart.css";

/**
 * @param {{title: string, note?: string, table: () => {heads: string[], rows: (string | number)[][]}, children: unknown}} props
 * `table` is asked when the reader opens it: long series are put into words only then.
 */
export function Frame({ title, note, table, children }) {
  const [open, setOpen] = useState(false);
  useEffect(() => { stylesheet(SHEET); }, []);
  return html`<figure class="chart">
    <figcaption>${title}${note && html` <small class="quiet">${note}</small>`}</figcaption>
    ${children}
    <details onToggle=${(event) => setOpen(event.currentTarget.open)}>
      <summary>${t("chart.table")}</summary>
      ${open && html`<${Table} title=${title} ...${table()} />`}
    </details>
  </figure>`;
}

function Table({ title, heads, rows }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${title}><table>
    <thead><tr>${heads.map((head, index) => html`<th scope="col" class=${index ? "number" : ""}>${head}</th>`)}</tr></thead>
    <tbody>${rows.map(([first, ...others]) => html`<tr><th scope="row">${first}</th>${others.map((each) => html`<td class="number">${each}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

/** The width of an element in CSS pixels, as it changes; 0 until it is known. Returns `[ref, width]`. */
export function useWidth() {
  const ref = useRef(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    setWidth(Math.floor(ref.current.clientWidth));
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
