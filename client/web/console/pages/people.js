// People: accounts with role, expired, locked and enabled (paper, figure 14), and invitations.

import { useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Failure, Field, Form, Heading, Notice } from "../../shared/parts.js";
import { change } from "../state.js";
import * as state from "../state.js";
import { listOf, useReading } from "./reading.js";

export function People() {
  const accounts = useReading("/v1/accounts");
  const [link, setLink] = useState(null);
  const [error, setError] = useState(null);
  const roles = state.account.value.role === "ADMIN" ? ["USER", "OPERATOR", "AUDITOR", "ADMIN"] : ["USER"];
  const invite = async (form) => {
    const made = await change("POST", "/v1/accounts", {
      username: String(form.get("username")),
      name: String(form.get("name")),
      flat: String(form.get("flat")) || null,
      role: String(form.get("role")),
    });
    setLink(made.link);
    await accounts.again();
  };
  const set = async (account, members) => {
    try {
      await change("PATCH", `/v1/accounts/${account.id}`, members);
      setError(null);
      await accounts.again();
    } catch (failure) {
      setError(failure);
    }
  };
  return html`
    <${Heading}>${t("console.people")}<//>
    <${Failure} error=${error ?? accounts.error} />
    ${link && html`<${Notice}>${t("people.link")}<pre>${link}</pre><//>`}
    <div class="scroll" tabindex="0" role="region" aria-label=${t("console.people")}><table>
      <thead><tr><th>${t("entrance.username")}</th><th>${t("units.name")}</th><th>${t("people.flat")}</th><th>${t("people.role")}</th>
        <th>${t("people.expired")}</th><th>${t("people.locked")}</th><th>${t("people.enabled")}</th></tr></thead>
      <tbody>${listOf(accounts.answer).map((account) => html`<tr>
        <td>${account.username}</td><td>${account.name}${account.invited && html` <span class="badge off">${t("people.invited")}</span>`}</td><td>${account.flat}</td><td>${t(`role.${account.role}`)}</td>
        <td>${account.expired ? t("yes") : t("no")}</td>
        <td><button class="plain" aria-label=${`${t("people.locked")}: ${account.username}: ${account.locked ? t("yes") : t("no")}`} onClick=${() => set(account, { locked: !account.locked })}>${account.locked ? t("yes") : t("no")}</button></td>
        <td><button class="plain" aria-label=${`${t("people.enabled")}: ${account.username}: ${account.enabled ? t("yes") : t("no")}`} onClick=${() => set(account, { enabled: !account.enabled })}>${account.enabled ? t("yes") : t("no")}</button></td>
      </tr>`)}</tbody></table></div>
    <details class="card"><summary>${t("people.invite")}</summary>
      <${Form} action=${invite} submit=${t("people.invite")}>
        <${Field} name="username" label=${t("entrance.username")} autocapitalize="none" autocomplete="off" />
        <${Field} name="name" label=${t("units.name")} autocomplete="off" />
        <${Field} name="flat" label=${t("people.flat")} autocomplete="off" />
        <label>${t("people.role")}<select name="role">${roles.map((role) => html`<option value=${role}>${t(`role.${role}`)}</option>`)}</select></label>
      <//></details>
  `;
}
