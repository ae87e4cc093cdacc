// One unit: what it is, how it is set, its key, its code to print, and its end.

import { useState } from "preact/hooks";

import { Code } from "../../shared/code.js";
import { html } from "../../shared/html.js";
import { moment, number, t } from "../../shared/i18n.js";
import { Failure, Field, Form, Heading, Notice, Pairs } from "../../shared/parts.js";
import { change } from "../state.js";
import * as state from "../state.js";
import { SharedKey } from "./enrol.js";

const RELAYS = ["switch", "pilot", "network", "always-on"];
const NETWORK = ["address", "mask", "router", "resolver"];
const UNSET = "0.0.0.0";

/** @param {{unit: object | undefined, groups: object[], onDone: () => Promise<unknown>}} props */
export function Unit({ unit, groups, onDone }) {
  if (!unit) return html`<div class="head"><${Heading}>${t("console.units")}<//></div><div class="empty"><p>${t("units.unknown")}</p><a class="button" href="#/units">${t("console.units")}</a></div>`;
  const { record, now } = unit;
  const { role } = state.account.value;
  const isRetired = record.state === "retired";
  return html`
    <p><a href="#/units">${t("console.units")}</a></p>
    <div class="row head"><${Heading}><span class="plate">${unit.unit}</span> ${unit.name}<//>
      <span class=${now?.state === "charging" ? "badge live" : now ? "badge" : "badge off"}>${t(isRetired ? "units.retired" : `state.${now?.state ?? "offline"}`)}</span></div>
    <div class="pair">
      <section class="card"><h2>${t("units.identity")}</h2><${Pairs} rows=${[
        [t("units.class"), t(`class.${record.class}`)],
        [t("units.key"), record.key && html`<code>${record.key}</code>`],
        [t("units.current"), `${number(record.nominal_current / 1000, 1)} × ${record.phases}`],
        [t("units.voltage"), number(record.nominal_voltage / 10)],
        [t("units.since"), moment(record.enrolled_at)],
        [t("units.generation"), record.generation],
        [t("units.old-keys"), record.retired_keys.length || null],
        [t("units.heard"), isRetired ? null : heardOf(now)],
        [t("units.firmware"), firmwareOf(unit.firmware)],
        [t("units.board"), unit.firmware && html`<code>${unit.firmware.board}</code>`],
      ]} /><p class="quiet small">${t(`class-means.${record.class}`)}</p></section>
      ${record.link && !isRetired && html`<${Link} unit=${unit} />`}
    </div>
    ${role !== "AUDITOR" && !isRetired && html`<section class="card"><h2>${t("units.settings")}</h2><${Settings} unit=${unit} groups=${groups} onDone=${onDone} /></section>`}
    ${role === "ADMIN" && !isRetired && html`<${Key} unit=${unit} onDone=${onDone} /><${Retirement} unit=${unit} onDone=${onDone} />`}
    ${isRetired && html`<${Notice}>${t("units.retired-text")}<//>`}
  `;
}

/** When a unit was last heard, in words. @param {object | null} now */
export function heardOf(now) {
  return now?.heard ? t("now.heard", { seconds: Math.max(0, Math.round(Date.now() / 1000 - now.heard)) }) : t("now.unheard");
}

/** The version that a unit runs, and what becomes of the one that it is to run. @param {object | null} firmware */
export function firmwareOf(firmware) {
  if (!firmware) return t("units.firmware-untold");
  const version = html`<code>${firmware.firmware}</code>`;
  if (firmware.overdue) return html`${version} <span class="badge off">${t("units.firmware-overdue", { version: firmware.target })}</span>`;
  if (firmware.state === "offered") return html`${version} <span class="badge">${t("units.firmware-offered", { version: firmware.target })}</span>`;
  if (firmware.state === "fell-back") return html`${version} <span class="badge off">${t("units.firmware-failed", { version: firmware.target })}</span>`;
  return version;
}

/** What residents scan or tap. */
function Link({ unit }) {
  const { link } = unit.record;
  const [told, setTold] = useState(null);
  const write = async () => {
    try {
      setTold(t("labels.hold"));
      await new globalThis.NDEFReader().write({ records: [{ recordType: "url", data: link }] });
      setTold(t("labels.written"));
    } catch {
      setTold(t("labels.not-written"));
    }
  };
  return html`<section class="card"><h2>${t("labels.title")}</h2>
    <${Code} text=${link} label=${t("labels.code", { unit: unit.unit })} />
    <p class="small">${t("labels.how")}</p><pre>${link}</pre>
    <div class="actions"><a class="button plain" href="#/labels">${t("labels.print")}</a>
      ${"NDEFReader" in globalThis && html`<button class="plain" onClick=${write}>${t("labels.write")}</button>`}</div>
    ${told && html`<${Notice}>${told}<//>`}</section>`;
}

function Settings({ unit, groups, onDone }) {
  const [relay, setRelay] = useState(unit.relay);
  const [dhcp, setDhcp] = useState(unit.dhcp);
  const [saved, setSaved] = useState(false);
  const action = async (form) => {
    setSaved(false);
    const text = (name) => String(form.get(name) ?? "").trim();
    const milliamperes = (name) => Math.round(Number(text(name).replace(",", ".")) * 1000);
    await change("PATCH", `/v1/units/${unit.unit}/settings`, {
      name: text("name"),
      location: text("location"),
      group: text("group"),
      relay,
      switch: relay === "network" ? text("switch") : "",
      transmission: Number(text("transmission")),
      sampling: Number(text("sampling")),
      maximum: milliamperes("maximum"),
      fallback: milliamperes("fallback"),
      dhcp,
      ...Object.fromEntries(NETWORK.map((name) => [name, dhcp ? UNSET : text(name)])),
      server: text("server"),
      port: Number(text("port") || 0),
      time_server: text("time_server"),
    });
    await onDone();
    setSaved(true);
  };
  return html`<${Form} action=${action} submit=${t("units.save")}>
    <div class="columns">
      <${Field} name="name" label=${t("units.name")} value=${unit.name} />
      <${Field} name="location" label=${t("units.location")} value=${unit.location} />
      <label>${t("units.group")}<select name="group">${groups.map((group) => html`<option value=${group.code} selected=${group.code === unit.group}>${group.name}</option>`)}</select></label>
      <${Field} name="maximum" inputmode="decimal" label=${t("units.maximum")} hint=${t("units.maximum-hint")} value=${unit.maximum / 1000} />
      <${Field} name="fallback" inputmode="decimal" label=${t("units.fallback")} hint=${t("units.fallback-hint")} value=${unit.fallback / 1000} />
      <${Field} name="sampling" inputmode="numeric" label=${t("units.sampling")} hint=${t("units.sampling-hint")} value=${unit.sampling} />
      <${Field} name="transmission" inputmode="numeric" label=${t("units.transmission")} hint=${t("units.transmission-hint")} value=${unit.transmission} />
      <label>${t("units.relay")}<select onChange=${(event) => setRelay(event.target.value)}>${RELAYS.map((each) => html`<option value=${each} selected=${each === relay}>${t(`relay.${each}`)}</option>`)}</select></label>
      ${relay === "network" && html`<${Field} name="switch" label=${t("units.switch")} hint="shelly://192.168.1.30" value=${unit.switch} autocapitalize="none" />`}
    </div>
    <details class="network" open=${!dhcp || null}><summary>${t("units.network")}</summary>
      <label class="choice"><input type="checkbox" checked=${dhcp} onChange=${(event) => setDhcp(event.target.checked)} /> ${t("units.dhcp")}</label>
      <div class="columns">
        ${!dhcp && NETWORK.map((name) => html`<${Field} name=${name} label=${t(`network.${name}`)} value=${unit[name] === UNSET ? "" : unit[name]} autocapitalize="none" />`)}
        <${Field} name="server" label=${t("network.server")} hint=${t("network.empty")} value=${unit.server} autocapitalize="none" />
        <${Field} name="port" inputmode="numeric" label=${t("network.port")} hint=${t("network.zero")} value=${unit.port} />
        <${Field} name="time_server" label=${t("network.time-server")} hint=${t("network.empty")} value=${unit.time_server} autocapitalize="none" />
      </div></details>
    ${saved && html`<${Notice}>${t("units.saved")}<//>`}
  <//>`;
}

/** Another key for the same meter: after a repair, or where somebody may know the old one. */
function Key({ unit, onDone }) {
  const [made, setMade] = useState(null);
  const isShared = unit.record.class === "mac";
  const action = async (form) => {
    const key = String(form.get("key") ?? "").trim().toLowerCase();
    const record = await change("POST", `/v1/units/${unit.unit}/key`, key ? { key } : {});
    setMade(record);
    await onDone();
  };
  return html`<details class="card"><summary>${t("units.rotate")}</summary>
    <p>${t(isShared ? "units.rotate-shared" : "units.rotate-text")}</p>
    ${made && html`<${Notice}>${t("units.rotated")}${made.mac_key && html`<${SharedKey} value=${made.mac_key} />`}<//>`}
    <${Form} action=${action} submit=${t("units.rotate")}>${!isShared && html`<${Field} name="key" label=${t("units.new-key")} hint=${t("units.key-hint")} autocapitalize="none" autocomplete="off" spellcheck="false" />`}<//></details>`;
}

function Retirement({ unit, onDone }) {
  const [error, setError] = useState(null);
  const retire = async () => {
    try {
      await change("POST", `/v1/units/${unit.unit}/retirement`);
      await onDone();
    } catch (failure) {
      setError(failure);
    }
  };
  return html`<details class="card"><summary>${t("units.retire")}</summary><p>${t("units.retire-text")}</p><${Failure} error=${error} />
    <button class="alarm" onClick=${retire}>${t("units.retire-now", { unit: unit.unit })}</button></details>`;
}
