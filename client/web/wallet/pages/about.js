// About: what this is, and what to check it by.

import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Heading, Pairs } from "../../shared/parts.js";
import * as state from "../state.js";

export function Page() {
  const house = state.condominium.value;
  const certificate = house && `data:application/x-pem-file,${encodeURIComponent(house.root_certificate)}`;
  return html`
    <${Heading}>${t("about.title")}<//>
    <p>${t("about.text")}</p>
    ${house && html`<section class="card"><${Pairs} rows=${[
      [t("about.condominium"), house.name],
      [t("about.network"), house.network],
      [t("about.key"), house.signing_key],
    ]} /></section>
    <p><a class="button plain wide" href=${certificate} download=${`${house.code}.pem`}>${t("about.certificate")}</a></p>`}
  `;
}
