// People: accounts with role, expired, locked and enabled (paper, figure 14), invitations, and what each did.

import { useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { moment, t } from "../../shared/i18n.js";
import { Failure, Field, Form, Heading, Notice } from "../../shared/parts.js";
import { change } from "../state.js";
import * as state from "../state.js";
import { Table } from "../table.js";
import { listOf, useReading } from "./reading.js";

export function People() {
  const accounts = useReading("/v1/accounts?limit=500");
  const [invited, setInvited] = useState(null);
  const [error, setError] = useState(null);
  const [chosen, setChosen] = useState(null);
  const own = state.account.value;
  const roles = own.role === "ADMIN" ? ["USER", "OPERATOR", "AUDITOR", "ADMIN"] : ["USER"];
  const doing = async (work) => {
    try {
      await work();
      setError(null);
      await accounts.again();
    } catch (failure) {
      setError(failure);
    }
  };
  const set = (account, members) => doing(() => change("PATCH", `/v1/accounts/${account.id}`, members));
  const again = (account) => doing(async () => setInvited(await change("POST", `/v1/accounts/${account.id}/invitation`)));
  const flag = (account, name, turned) => html`<button class="plain" disabled=${account.id === own.id} aria-label=${`${t(`people.${name}`)}: ${account.username}: ${account[name] ? t("yes") : t("no")}`}
    onClick=${() => set(account, { [name]: turned })}>${account[name] ? t("yes") : t("no")}</button>`;
  const columns = [
    [t("entrance.username"), (account) => html`<strong>${account.username}</strong>${account.invited && html` <span class="badge off">${t("people.invited")}</span>`}`],
    [t("units.name"), (account) => account.name],
    [t("people.flat"), (account) => account.flat ?? "–"],
    [t("people.role"), (account) => t(`role.${account.role}`)],
    [t("people.expired"), (account) => (account.expired ? html`<span class="badge live">${t("yes")}</span>` : account.expires ? t("people.until", { when: moment(account.expires / 1000, { dateStyle: "medium" }) }) : t("no"))],
    [t("people.locked"), (account) => flag(account, "locked", !account.locked)],
    [t("people.enabled"), (account) => flag(account, "enabled", !account.enabled)],
    [t("people.more"), (account) => html`<button class="plain" aria-label=${`${t("people.change")}: ${account.username}`} onClick=${() => setChosen(account)}>${t("people.change")}</button>
      ${["ADMIN", "AUDITOR"].includes(own.role) && html` <a href=${`#/log/${account.id}`}>${t("people.did")}</a>`}`],
  ];
  return html`
    <div class="head"><${Heading}>${t("console.people")}<//></div>
    <${Failure} error=${error ?? accounts.error} />
    ${invited && html`<${Notice}>${t("people.link", { name: invited.account.username, when: moment(invited.expires / 1000) })}<pre>${invited.link}</pre><//>`}
    <${Table} label=${t("console.people")} rows=${accounts.answer && listOf(accounts.answer)} empty=${t("people.none")} columns=${columns} />
    ${accounts.answer?.next && html`<${Notice}>${t("people.cut")}<//>`}
    ${chosen && html`<${Change} key=${chosen.id} account=${chosen} roles=${roles} onInvite=${() => again(chosen)} onLeave=${() => setChosen(null)} onDone=${async () => { setChosen(null); await accounts.again(); }} />`}
    <details class="card"><summary>${t("people.invite")}</summary><${Invite} roles=${roles} onDone=${async (made) => { setInvited(made); await accounts.again(); }} /></details>
  `;
}

function Invite({ roles, onDone }) {
  const action = async (form) => {
    const made = await change("POST", "/v1/accounts", {
      username: String(form.get("username")).trim(),
      name: String(form.get("name")),
      flat: String(form.get("flat")) || null,
      role: String(form.get("role")),
      expires: endOf(String(form.get("expires"))),
    });
    await onDone(made);
  };
  return html`<${Form} action=${action} submit=${t("people.invite")}><div class="columns">
    <${Field} name="username" label=${t("entrance.username")} hint=${t("people.username-hint")} autocapitalize="none" autocomplete="off" />
    <${Field} name="name" label=${t("units.name")} autocomplete="off" />
    <${Field} name="flat" label=${t("people.flat")} autocomplete="off" />
    <${Role} roles=${roles} chosen="USER" />
    <${Field} type="date" name="expires" label=${t("people.expires")} /></div>
  <//>`;
}

function Change({ account, roles, onInvite, onLeave, onDone }) {
  const action = async (form) => {
    const members = { name: String(form.get("name")), flat: String(form.get("flat")) || null, expires: endOf(String(form.get("expires"))) };
    if (form.get("role")) members.role = String(form.get("role"));
    await change("PATCH", `/v1/accounts/${account.id}`, members);
    await onDone();
  };
  const isOwn = account.id === state.account.value.id;
  return html`<section class="card publish" aria-labelledby="change"><h2 id="change">${account.username}</h2>
    <${Form} action=${action} submit=${t("units.save")}><div class="columns">
      <${Field} name="name" label=${t("units.name")} value=${account.name} autocomplete="off" />
      <${Field} name="flat" label=${t("people.flat")} value=${account.flat ?? ""} autocomplete="off" />
      ${!isOwn && html`<${Role} roles=${roles} chosen=${account.role} />`}
      <${Field} type="date" name="expires" label=${t("people.expires")} value=${account.expires ? new Date(account.expires - 1).toISOString().slice(0, 10) : ""} /></div><//>
    <div class="actions">${!isOwn && html`<button class="plain" onClick=${onInvite}>${t("people.again")}</button>`}<button class="plain" onClick=${onLeave}>${t("people.close")}</button></div></section>`;
}

function Role({ roles, chosen }) {
  return html`<label>${t("people.role")}<small>${t("people.role-hint")}</small><select name="role">${roles.map((role) => html`<option value=${role} selected=${role === chosen}>${t(`role.${role}`)}</option>`)}</select></label>`;
}

/** Milliseconds at which a day ends (UTC), null for no day. @param {string} day as an input has it */
function endOf(day) {
  return day ? Date.parse(`${day}T00:00:00Z`) + 86_400_000 : null;
}
