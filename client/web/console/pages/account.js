// One's own account: the password, and where else one is logged in.

import { useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { moment, t } from "../../shared/i18n.js";
import { Failure, Field, Form, Heading, Notice, Told } from "../../shared/parts.js";
import { change } from "../state.js";
import * as state from "../state.js";
import { Table } from "../table.js";
import { listOf, useReading } from "./reading.js";

export function Account() {
  const sessions = useReading("/v1/account/sessions");
  const [error, setError] = useState(null);
  const own = state.account.value;
  const end = async (session) => {
    try {
      await change("DELETE", `/v1/account/sessions/${session.id}`);
      setError(null);
      await sessions.again();
    } catch (failure) {
      setError(failure);
    }
  };
  return html`
    <div class="row head"><${Heading}>${t("console.account")}<//><span>${own.username} · ${t(`role.${own.role}`)}</span></div>
    <section class="card"><h2>${t("account.password")}</h2><${Password} onDone=${sessions.again} /></section>
    <h2>${t("account.sessions")}</h2><${Failure} error=${error ?? sessions.error} />
    <${Table} label=${t("account.sessions")} rows=${sessions.answer && listOf(sessions.answer)} empty="" columns=${[
      [t("account.since"), (each) => moment(each.created / 1000)],
      [t("account.seen"), (each) => moment(each.seen / 1000)],
      [t("account.where"), (each) => html`${each.address}<br /><span class="quiet small">${each.agent.slice(0, 60)}</span>`],
      [t("account.end"), (each) => html`<button class="plain" aria-label=${`${t("account.end")}: ${moment(each.created / 1000)}`} onClick=${() => end(each)}>${t("account.end")}</button>`],
    ]} />
  `;
}

function Password({ onDone }) {
  const [done, setDone] = useState(false);
  const action = async (form) => {
    setDone(false);
    const password = String(form.get("password"));
    if (password !== String(form.get("again"))) throw new Told(t("entrance.differ"));
    await change("PUT", "/v1/account/password", { current: String(form.get("current")), password });
    setDone(true);
    await onDone();
  };
  return html`${done && html`<${Notice}>${t("account.changed")}<//>`}<${Form} action=${action} submit=${t("account.change")}><div class="columns">
    <${Field} type="password" name="current" label=${t("account.current")} autocomplete="current-password" />
    <${Field} type="password" name="password" label=${t("account.new")} autocomplete="new-password" />
    <${Field} type="password" name="again" label=${t("entrance.again")} autocomplete="new-password" /></div><//>`;
}
