// Enrolling a unit: its key's class and what that means, its nominal values, where it is.

import { useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Field, Form, Notice } from "../../shared/parts.js";
import { change } from "../state.js";

export const CLASSES = ["ed25519", "mac", "ocmf"];

/** @param {{groups: object[], onDone: () => Promise<unknown>}} props */
export function Enrol({ groups, onDone }) {
  const [made, setMade] = useState(null);
  const [chosen, setChosen] = useState("ed25519");
  const action = async (form) => {
    const decimal = (name) => Number(String(form.get(name)).replace(",", "."));
    const record = await change("POST", "/v1/units", {
      unit: Number(form.get("unit")),
      class: chosen,
      key: String(form.get("key") ?? "").trim().toLowerCase() || null,
      nominal_current: Math.round(decimal("current") * 1000),
      nominal_voltage: Math.round(decimal("voltage") * 10),
      phases: Number(form.get("phases")),
      settings: { name: String(form.get("name")), location: String(form.get("location")), group: String(form.get("group")) },
    });
    setMade(record);
    await onDone();
  };
  return html`
    ${made && html`<${Notice}>${t("units.enrolled", { unit: made.unit })} <a href=${`#/units/${made.unit}`}>${t("units.go-on")}</a>${made.mac_key && html`<${SharedKey} value=${made.mac_key} />`}<//>`}
    <${Form} action=${action} submit=${t("units.enrol")}>
      <fieldset><legend>${t("units.class")}</legend>${CLASSES.map((each) => html`<label class="choice"><input type="radio" name="class" value=${each} checked=${each === chosen} onChange=${() => setChosen(each)} /> ${t(`class.${each}`)}<small>${t(`class-means.${each}`)}</small></label>`)}</fieldset>
      ${chosen !== "mac" && html`<${Field} name="key" label=${t("units.key")} hint=${t("units.key-hint")} autocapitalize="none" autocomplete="off" spellcheck="false" />`}
      ${chosen === "mac" && html`<p class="quiet">${t("units.mac-made")}</p>`}
      <div class="columns">
        <${Field} name="unit" inputmode="numeric" label=${t("sign.unit")} hint=${t("units.dip")} autocomplete="off" />
        <${Field} name="name" label=${t("units.name")} autocomplete="off" />
        <${Field} name="location" label=${t("units.location")} autocomplete="off" />
        <label>${t("units.group")}<select name="group">${groups.map((group) => html`<option value=${group.code}>${group.name}</option>`)}</select></label>
        <${Field} name="current" inputmode="decimal" label=${t("units.current")} value="16" />
        <${Field} name="voltage" inputmode="decimal" label=${t("units.voltage")} value="230" />
        <label>${t("units.phases")}<select name="phases"><option selected>1</option><option>3</option></select></label>
      </div>
    <//>
  `;
}

/** A key that was just made: told once, to be put into the unit. */
export function SharedKey({ value }) {
  return html`<p><strong>${t("units.mac-key")}</strong></p><pre>${value}</pre>`;
}
