// Labels to print: for each unit in service its number, its place and the code that opens the wallet there.

import { Code } from "../../shared/code.js";
import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Failure, Heading } from "../../shared/parts.js";
import * as state from "../state.js";
import { listOf, useReading } from "./reading.js";

export function Labels() {
  const enrolments = useReading("/v1/enrolments");
  const settings = useReading("/v1/unit-settings");
  const units = listOf(enrolments.answer).filter((each) => each.state !== "retired" && each.link);
  const isRead = enrolments.answer && settings.answer;
  return html`
    <p class="unprinted"><a href="#/units">${t("console.units")}</a></p>
    <div class="row head unprinted"><${Heading}>${t("labels.print")}<//>${units.length > 0 && html`<button onClick=${() => print()}>${t("labels.print-now")}</button>`}</div>
    <${Failure} error=${enrolments.error ?? settings.error} />
    ${isRead && units.length === 0 && html`<div class="empty"><p>${t("labels.none")}</p><a class="button" href="#/units">${t("console.units")}</a></div>`}
    <div class="labels">${isRead && units.map((unit) => {
      const own = listOf(settings.answer).find((each) => each.unit === unit.unit);
      return html`<section class="label"><p class="house">${state.condominium.value.name}</p><p class="big">${unit.unit}</p>
        <${Code} text=${unit.link} label=${t("labels.code", { unit: unit.unit })} />
        <p><strong>${t("labels.scan")}</strong><br />${own?.location}</p><p class="link">${unit.link}</p></section>`;
    })}</div>
  `;
}
