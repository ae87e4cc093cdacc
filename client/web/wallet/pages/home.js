// Home: what the wallet holds, what is charging, and where a car can be plugged in.

import { useEffect, useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { energy, money, power, t } from "../../shared/i18n.js";
import { Failure, Heading } from "../../shared/parts.js";
import * as state from "../state.js";

const REFRESH = 5000;
const RUNNING = new Set(["opened", "started"]);

export function Home() {
  const [error, setError] = useState(null);
  const [sessions, setSessions] = useState([]);
  useEffect(() => {
    let stopped = false;
    const refresh = async () => {
      try {
        await Promise.all([state.refreshAccount(), state.refreshUnits()]);
        const { rows } = await state.signed("GET", `/v1/wallets/${state.current.value.id}/sessions`);
        if (stopped) return;
        setSessions(rows.filter((session) => RUNNING.has(session.state)));
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
  return html`
    <${Heading}>${token.name}<//>
    <${Failure} error=${error} />
    <section class="card" aria-label=${t("home.balance")}>
      <div class="quiet">${state.current.value.name}</div>
      <div class="figure numbers">${account ? money(account.balance, token) : "…"}</div>
      ${account?.escrow > 0 && html`<div class="quiet">${t("home.escrow", { amount: money(account.escrow, token) })}</div>`}
      ${account && account.balance === 0 && account.escrow === 0 && html`<p><a href="#/buy">${t("home.empty")}</a></p>`}
    </section>
    ${sessions.map((session) => html`<${Running} session=${session} token=${token} />`)}
    <h2>${t("home.units")}</h2>
    ${state.units.value.length === 0 && !error && html`<p class="quiet">${t("home.no-units")}</p>`}
    <ul class="plain">${state.units.value.map((unit) => html`<${Unit} unit=${unit} />`)}</ul>
  `;
}

function Running({ session, token }) {
  return html`<a class="card unit" href=${`#/session/${session.session}`}>
    <span>
      <strong>${t("home.at-unit", { unit: session.unit })}</strong><br />
      <span class="quiet">${session.reason ?? t(`activity.${session.activity}`)}</span>
    </span>
    <span class="numbers">${energy(session.energy)}<br />${money(session.cost ?? 0, token)}</span>
  </a>`;
}

function Unit({ unit }) {
  const free = unit.state === "free";
  const badge = free ? "badge" : unit.state === "charging" ? "badge live" : "badge off";
  const content = html`
    <span><strong>${t("home.unit", { unit: unit.unit })}</strong>${unit.location && html`<br /><span class="quiet">${unit.location}</span>`}</span>
    <span><span class=${badge}>${t(`state.${unit.state}`)}</span>${unit.power > 0 && html`<br /><span class="numbers small">${power(unit.power)}</span>`}</span>
  `;
  return html`<li>${
    unit.state === "offline"
      ? html`<div class="card unit row">${content}</div>`
      : html`<a class="card unit" href=${`#/unit/${unit.unit}`}>${content}</a>`
  }</li>`;
}

