// Home: what the wallet holds, what is charging, and where a car can be plugged in.

import { useEffect, useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { energy, money, power, t } from "../../shared/i18n.js";
import { outlookOf } from "../../shared/outlook.js";
import { Failure, Heading, Notice } from "../../shared/parts.js";
import { reasonOf } from "../../shared/reason.js";
import * as state from "../state.js";

const REFRESH = 5000;

export function Page() {
  const [error, setError] = useState(null);
  const [sessions, setSessions] = useState([]);
  useEffect(() => {
    let stopped = false;
    const refresh = async () => {
      try {
        await Promise.all([state.refreshAccount(), state.refreshUnits()]);
        const { rows } = await state.sessions();
        if (stopped) return;
        setSessions(rows.filter((session) => state.RUNNING.has(session.state)));
        setError(null);
      } catch (failure) {
        if (!stopped) setError(failure);
      }
    };
    refresh();
    const timer = setInterval(refresh, REFRESH);
    return () => {
      stopped = true;
      clearInterval(timer);
    };
  }, [state.current.value?.id]);
  const token = state.condominium.value;
  const account = state.account.value;
  const units = state.units.value;
  return html`
    <${Heading}>${token.name}<//>
    <${Failure} error=${error} />
    <section class="purse" aria-label=${t("home.balance")}>
      <div>${state.current.value.name}</div>
      <div class="figure numbers">${account ? money(account.balance, token) : "…"}</div>
      <div>${account?.escrow > 0 ? t("home.escrow", { amount: money(account.escrow, token) }) : " "}</div>
      ${account && account.balance === 0 && account.escrow === 0 && html`<a class="button" href="#/buy">${t("home.empty")}</a>`}
    </section>
    ${sessions.filter((session) => isLate(session)).map((session) => html`<${Notice} alarm>${t("session.reclaim-text")} <a href=${`#/session/${session.session}`}>${t("session.reclaim")}</a><//>`)}
    ${sessions.map((session) => html`<${Running} key=${session.session} session=${session} token=${token} />`)}
    <div class="row"><h2>${t("home.units")}</h2><a class="button plain small" href="#/scan">${t("home.scan")}</a></div>
    ${units.length === 0 && !error && account && html`<p class="quiet">${t("home.no-units")}</p>`}
    <ul class="plain">${units.map((unit) => html`<${Unit} key=${unit.unit} unit=${unit} />`)}</ul>
  `;
}

/** Whether the condominium should have settled a session by now. */
export function isLate(session) {
  return session.activity !== "ended" && Date.now() / 1000 > session.reclaim_after;
}

function Running({ session, token }) {
  return html`<a class="card running" href=${`#/session/${session.session}`} aria-live="polite">
    <span class="row"><strong>${t("home.at-unit", { unit: session.unit })}</strong>
      <span class=${session.activity === "charging" ? "badge live" : "badge"}>${t(`activity.${session.activity}`)}</span></span>
    <span class="row numbers"><span class="amount">${power(session.power)}</span><span>${energy(session.energy)} · ${money(session.cost ?? 0, token)}</span></span>
    ${session.why && session.why.code !== "charging" && html`<span class="quiet">${reasonOf(session)}</span>`}
    ${outlookOf(session) && html`<span class="quiet">${outlookOf(session)}</span>`}
  </a>`;
}

function Unit({ unit }) {
  const badge = unit.state === "free" ? "badge" : unit.state === "charging" ? "badge live" : "badge off";
  const content = html`
    <span class="number" aria-hidden="true">${unit.unit}</span>
    <span class="grow"><strong>${t("home.unit", { unit: unit.unit })}</strong>${unit.location && html`<br /><span class="quiet">${unit.location}</span>`}</span>
    <span class="end"><span class=${badge}>${t(`state.${unit.state}`)}</span>${unit.power > 0 && html`<br /><span class="numbers small">${power(unit.power)}</span>`}</span>
  `;
  const page = unit.state === "offline" ? "socket" : "unit";
  return html`<li><a class="card unit" href=${`#/${page}/${unit.unit}`}>${content}</a></li>`;
}
