// The ledger: how high it is, its last blocks, and the way to check all of it.

import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Failure, Heading, Pairs } from "../../shared/parts.js";
import { useReading } from "./reading.js";

const EVERY = 5000;

export function Ledger() {
  const { answer, error } = useReading("/v1/ledger", EVERY);
  return html`
    <${Heading}>${t("console.ledger")}<//>
    <${Failure} error=${error} />
    ${answer && html`<section class="card"><${Pairs} rows=${[
      [t("about.network"), answer.network],
      [t("ledger.height"), answer.height],
      [t("ledger.hash"), answer.hash],
    ]} /></section>
    <p>${t("ledger.how")}</p>
    <pre>condocharge audit export ledger.ndjson${"\n"}condocharge audit verify ledger.ndjson --root root.pem</pre>
    <p><a class="button plain" href="/v1/ledger/export?from=0" download="ledger.ndjson">${t("ledger.export")}</a></p>`}
  `;
}
