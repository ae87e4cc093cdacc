// Mean, deviation, extremes and correlations in words (paper, figure 8a).

import { html } from "../html.js";
import { number, t } from "../i18n.js";
import { Pairs } from "../parts.js";
import { correlation, summary } from "./statistics.js";

/**
 * @param {{values: number[], unit: string, digits?: number, against?: {label: string, values: (number | null)[]}[]}} props
 * `against` are measured beside `values`, one for each: temperature, humidity.
 */
export function Measures({ values, unit, digits = 2, against = [] }) {
  const { mean, deviation, least, greatest } = summary(values);
  const write = (value) => (value === null ? "–" : `${number(value, digits)} ${unit}`);
  return html`<${Pairs} rows=${[
    [t("chart.mean"), write(mean)],
    [t("chart.deviation"), write(deviation)],
    [t("chart.greatest"), write(greatest)],
    [t("chart.least"), write(least)],
    ...against.map((each) => {
      const known = correlation(values, each.values);
      return [t("chart.correlation", { with: each.label }), known === null ? t("chart.no-correlation") : number(known, 3)];
    }),
  ]} />`;
}
