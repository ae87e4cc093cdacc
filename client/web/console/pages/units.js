// Units and groups: what is enrolled and how it is, and each group's supply.

import { useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { number, power, t } from "../../shared/i18n.js";
import { Failure, Field, Form, Heading } from "../../shared/parts.js";
import { useStream } from "../live.js";
import { change } from "../state.js";
import * as state from "../state.js";
import { Table } from "../table.js";
import { Enrol } from "./enrol.js";
import { listOf, useReading } from "./reading.js";
import { Unit, firmwareOf, heardOf } from "./unit.js";

export function Units({ argument }) {
  const settings = useReading("/v1/unit-settings");
  const enrolments = useReading("/v1/enrolments");
  const groups = useReading("/v1/groups");
  const firmware = useReading("/v1/unit-firmware", 60_000);
  const { answer: floor } = useStream("/v1/overview/events", "overview");
  const again = () => Promise.all([settings.again(), enrolments.again(), groups.again()]);
  const error = settings.error ?? enrolments.error ?? groups.error ?? firmware.error;
  const isRead = settings.answer && enrolments.answer && groups.answer;
  const units = listOf(enrolments.answer).map((record) => ({
    ...listOf(settings.answer).find((each) => each.unit === record.unit),
    record,
    firmware: listOf(firmware.answer).find((each) => each.unit === record.unit) ?? null,
    now: floor?.units.find((each) => each.unit === record.unit) ?? null,
  }));
  if (!isRead) return html`<div class="head"><${Heading}>${t("console.units")}<//></div>${error ? html`<${Failure} error=${error} />` : html`<p class="quiet">${t("wait")}</p>`}`;
  if (argument) {
    const unit = units.find((each) => String(each.unit) === argument);
    return html`<${Unit} key=${argument} unit=${unit} groups=${listOf(groups.answer)} onDone=${again} />`;
  }
  return html`<${Overview} units=${units} groups=${listOf(groups.answer)} error=${error} again=${again} />`;
}

function Overview({ units, groups, error, again }) {
  const { role } = state.account.value;
  return html`
    <div class="row head"><${Heading}>${t("console.units")}<//>
      ${units.some((each) => each.record.link) && html`<a class="button plain" href="#/labels">${t("labels.print")}</a>`}</div>
    <${Failure} error=${error} />
    <${Table} label=${t("console.units")} rows=${units} empty=${t(groups.length ? "units.none" : "units.none-no-group")} columns=${[
      [t("sign.unit"), (unit) => html`<a href=${`#/units/${unit.unit}`}><span class="plate">${unit.unit}</span> ${unit.name}</a>`],
      [t("units.location"), (unit) => unit.location],
      [t("units.group"), (unit) => groups.find((each) => each.code === unit.group)?.name ?? unit.group],
      [t("money.state"), (unit) => html`<span class=${unit.now?.state === "charging" ? "badge live" : unit.now ? "badge" : "badge off"}>${t(unit.record.state === "retired" ? "units.retired" : `state.${unit.now?.state ?? "offline"}`)}</span>`],
      [t("units.heard"), (unit) => (unit.record.state === "retired" ? "" : heardOf(unit.now))],
      [t("units.firmware"), (unit) => firmwareOf(unit.firmware)],
      [t("units.class"), (unit) => html`<code>${unit.record.class}</code>`],
      [t("units.current"), (unit) => `${number(unit.record.nominal_current / 1000, 1)} × ${unit.record.phases}`, "number"],
      [t("units.periods"), (unit) => `${unit.sampling} s / ${unit.transmission} s`, "number"],
    ]} />
    ${role === "ADMIN" && groups.length > 0 && html`<details class="card"><summary>${t("units.enrol")}</summary><${Enrol} groups=${groups} onDone=${again} /></details>`}
    <h2>${t("units.groups")}</h2>
    <p class="quiet">${t("units.groups-how")}</p>
    ${groups.map((group) => html`<${Group} key=${group.code} group=${group} members=${units.filter((each) => each.group === group.code)} onDone=${again} />`)}
    ${role !== "AUDITOR" && html`<details class="card" open=${groups.length === 0}><summary>${t("units.new-group")}</summary><${NewGroup} onDone=${again} /></details>`}
  `;
}

function Group({ group, members, onDone }) {
  const [error, setError] = useState(null);
  const mayChange = state.account.value.role !== "AUDITOR";
  const action = async (form) => {
    const kilowatts = Number(String(form.get("load")).replace(",", "."));
    await change("PATCH", `/v1/groups/${group.code}`, { name: String(form.get("name")), maximum_load: Math.round(kilowatts * 1000) });
    await onDone();
  };
  const remove = async () => {
    try {
      await change("DELETE", `/v1/groups/${group.code}`);
      await onDone();
    } catch (failure) {
      setError(failure);
    }
  };
  const facts = html`<strong>${group.name}</strong> <span class="quiet numbers">${power(group.maximum_load)} · ${t("units.members", { count: members.length })} · ${t("units.phase-count", { count: group.phases })}</span>`;
  if (!mayChange) return html`<section class="card">${facts}</section>`;
  return html`<details class="card"><summary>${facts}</summary>
    <${Form} action=${action} submit=${t("units.save")}><div class="columns">
      <${Field} name="name" label=${t("units.name")} value=${group.name} /><${Field} name="load" inputmode="decimal" label=${t("units.load")} value=${group.maximum_load / 1000} /></div><//>
    ${members.length === 0 && html`<button class="plain" onClick=${remove}>${t("units.remove-group")}</button>`}<${Failure} error=${error} /></details>`;
}

function NewGroup({ onDone }) {
  const action = async (form) => {
    await change("POST", "/v1/groups", {
      code: String(form.get("code")),
      name: String(form.get("name")),
      maximum_load: Math.round(Number(String(form.get("load")).replace(",", ".")) * 1000),
      phases: Number(form.get("phases")),
    });
    await onDone();
  };
  return html`<${Form} action=${action} submit=${t("units.new-group")}><div class="columns">
    <${Field} name="code" label=${t("units.code")} hint=${t("units.code-hint")} autocapitalize="none" autocomplete="off" />
    <${Field} name="name" label=${t("units.name")} autocomplete="off" />
    <${Field} name="load" inputmode="decimal" label=${t("units.load")} />
    <label>${t("units.phases")}<select name="phases"><option>1</option><option selected>3</option></select></label></div>
  <//>`;
}
