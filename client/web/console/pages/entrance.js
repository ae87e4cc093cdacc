// Logging in, and accepting an invitation.

import { post } from "../../shared/api.js";
import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Field, Form, Heading, Told } from "../../shared/parts.js";
import { go } from "../../shared/router.js";
import * as state from "../state.js";

export function Entrance() {
  const action = (form) => state.logIn(String(form.get("username")), String(form.get("password")));
  return html`
    <${Heading}>${state.condominium.value.name}<//>
    <${Form} action=${action} submit=${t("entrance.submit")}>
      <${Field} name="username" label=${t("entrance.username")} autocomplete="username" autocapitalize="none" />
      <${Field} type="password" name="password" label=${t("entrance.password")} autocomplete="current-password" />
    <//>
  `;
}

/** The link of an invitation leads here; its token is in the fragment, so no server's log has it. */
export function Accept({ token }) {
  const action = async (form) => {
    const password = String(form.get("password"));
    if (password !== String(form.get("again"))) throw new Told(t("entrance.differ"));
    const account = await post("/v1/invitations/accept", { token, password });
    go("/");
    await state.logIn(account.username, password);
  };
  return html`
    <${Heading}>${t("entrance.invited")}<//>
    <p>${t("entrance.choose")}</p>
    <${Form} action=${action} submit=${t("entrance.accept")}>
      <${Field} type="password" name="password" label=${t("entrance.password")} autocomplete="new-password" />
      <${Field} type="password" name="again" label=${t("entrance.again")} autocomplete="new-password" />
    <//>
  `;
}
