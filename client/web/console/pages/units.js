// Units and groups: what is enrolled, how it is set, and what its key means.

import { useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { number, power, t } from "../../shared/i18n.js";
import { Failure, Field, Form, Heading, Notice, Pairs } from "../../shared/parts.js";
import { change } from "../state.js";
import * as state from "../state.js";
import { listOf, useReading } from "./reading.js";

export function Units() {
  const units = useReading("/v1/units");
  const settings = useReading("/v1/unit-settings");
  const groups = useReading("/v1/groups");
  const again = () => Promise.all([units.again(), settings.again(), groups.again()]);
  const isAdmin = state.account.value.role === "ADMIN";
  const mayChange = state.account.value.role !== "AUDITOR";
  return html`
    <${Heading}>${t("console.units")}<//>
    <${Failure} error=${units.error ?? settings.error ?? groups.error} />
    <div class="scroll" tabindex="0" role="region" aria-label=${t("console.units")}><table>
      <thead><tr><th>${t("sign.unit")}</th><th>${t("units.name")}</th><th>${t("units.location")}</th><th>${t("units.class")}</th>
        <th class="number">${t("units.current")}</th><th>${t("units.group")}</th><th>${t("units.periods")}</th></tr></thead>
      <tbody>${listOf(units.answer).map((unit) => {
        const own = listOf(settings.answer).find((each) => each.unit === unit.unit) ?? {};
        return html`<tr><td>${unit.unit}</td><td>${own.name}</td><td>${own.location}</td>
          <td><abbr title=${t(`class.${unit.class}`)}>${unit.class}</abbr></td>
          <td class="number">${number(unit.current / 1000, 1)} A × ${unit.phases}</td><td>${own.group}</td>
          <td>${own.sampling} s / ${own.transmission} s</td></tr>`;
      })}</tbody></table></div>
    <p class="quiet small">${t("class.ed25519")} ${t("class.mac")}</p>
    <h2>${t("units.groups")}</h2>
    ${listOf(groups.answer).map((group) => html`<section class="card row"><strong>${group.name}</strong><span class="numbers">${power(group.maximum_load)} · ${group.code}</span></section>`)}
    ${mayChange && html`<details class="card"><summary>${t("units.new-group")}</summary><${NewGroup} onDone=${again} /></details>`}
    ${isAdmin && html`<details class="card"><summary>${t("units.enrol")}</summary><${Enrol} groups=${listOf(groups.answer)} onDone=${again} /></details>`}
  `;
}

function NewGroup({ onDone }) {
  const action = async (form) => {
    await change("POST", "/v1/groups", {
      code: String(form.get("code")),
      name: String(form.get("name")),
      maximum_load: Math.round(Number(form.get("load")) * 1000),
      phases: Number(form.get("phases")),
    });
    await onDone();
  };
  return html`<${Form} action=${action} submit=${t("units.new-group")}>
    <${Field} name="code" label=${t("units.code")} autocapitalize="none" />
    <${Field} name="name" label=${t("units.name")} />
    <${Field} name="load" inputmode="decimal" label=${t("units.load")} />
    <label>${t("units.phases")}<select name="phases"><option>1</option><option selected>3</option></select></label>
  <//>`;
}

function Enrol({ groups, onDone }) {
  const [made, setMade] = useState(null);
  const [key, setKey] = useState("ed25519");
  const action = async (form) => {
    const record = await change("POST", "/v1/units", {
      unit: Number(form.get("unit")),
      class: key,
      key: String(form.get("key") ?? "") || null,
      nominal_current: Math.round(Number(form.get("current")) * 1000),
      nominal_voltage: Math.round(Number(form.get("voltage")) * 10),
      phases: Number(form.get("phases")),
      settings: { name: String(form.get("name")), location: String(form.get("location")), group: String(form.get("group")) },
    });
    setMade(record);
    await onDone();
  };
  return html`
    ${made && html`<${Notice}>${t("units.enrolled", { unit: made.unit })}<${Pairs} rows=${[[t("units.mac-key"), made.mac_key]]} /><//>`}
    <${Form} action=${action} submit=${t("units.enrol")}>
      <${Field} name="unit" inputmode="numeric" label=${t("sign.unit")} hint=${t("units.dip")} />
      <${Field} name="name" label=${t("units.name")} />
      <${Field} name="location" label=${t("units.location")} />
      <label>${t("units.group")}<select name="group">${groups.map((group) => html`<option value=${group.code}>${group.name}</option>`)}</select></label>
      <label>${t("units.class")}<select onChange=${(event) => setKey(event.target.value)}>
        ${["ed25519", "mac"].map((each) => html`<option value=${each} selected=${each === key}>${each}</option>`)}</select><small>${t(`class.${key}`)}</small></label>
      ${key === "ed25519" && html`<${Field} name="key" label=${t("units.key")} autocapitalize="none" />`}
      <${Field} name="current" inputmode="decimal" label=${t("units.current")} value="16" />
      <${Field} name="voltage" inputmode="decimal" label=${t("units.voltage")} value="230" />
      <label>${t("units.phases")}<select name="phases"><option selected>1</option><option>3</option></select></label>
    <//>
  `;
}
