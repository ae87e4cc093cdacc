// The audit log: who did what.

import { html } from "../../shared/html.js";
import { moment, t } from "../../shared/i18n.js";
import { Failure, Heading } from "../../shared/parts.js";
import { listOf, useReading } from "./reading.js";

export function Log() {
  const { answer, error } = useReading("/v1/audit-log");
  return html`
    <${Heading}>${t("console.log")}<//>
    <${Failure} error=${error} />
    <p><a class="button plain" href="/v1/audit-log/export" download="audit-log.csv">${t("log.export")}</a></p>
    <div class="scroll" tabindex="0" role="region" aria-label=${t("console.log")}><table>
      <thead><tr><th>${t("history.time")}</th><th>${t("log.who")}</th><th>${t("history.kind")}</th><th>${t("log.target")}</th><th>${t("log.outcome")}</th></tr></thead>
      <tbody>${listOf(answer).map((entry) => html`<tr><td>${moment(entry.time / 1000)}</td><td>${entry.name}</td><td>${entry.operation}</td><td>${entry.target}</td><td>${entry.outcome}</td></tr>`)}</tbody>
    </table></div>
  `;
}
