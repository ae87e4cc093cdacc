// What was charged and paid: sessions, and every movement of the balance.

import { useEffect, useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { energy, moment, money, t } from "../../shared/i18n.js";
import { Failure, Heading } from "../../shared/parts.js";
import * as state from "../state.js";

export function History() {
  const [error, setError] = useState(null);
  const [sessions, setSessions] = useState(null);
  const [statement, setStatement] = useState(null);
  useEffect(() => {
    const wallet = `/v1/wallets/${state.current.value.id}`;
    Promise.all([state.signed("GET", `${wallet}/sessions`), state.signed("GET", `${wallet}/statement`)]).then(
      ([first, second]) => { setSessions(first.rows); setStatement(second.rows); },
      setError,
    );
  }, []);
  const token = state.condominium.value;
  return html`
    <${Heading}>${t("tab.history")}<//>
    <${Failure} error=${error} />
    ${sessions && html`<${Totals} sessions=${sessions} token=${token} />`}
    <h2>${t("history.sessions")}</h2>
    ${sessions?.length === 0 && html`<p class="quiet">${t("history.none")}</p>`}
    <ul class="plain">${(sessions ?? []).map((session) => html`<li><a class="card unit" href=${`#/session/${session.session}`}>
      <span>${moment(session.opened)}<br /><span class="quiet">${t("home.unit", { unit: session.unit })} · ${t(`activity.${session.activity}`)}</span></span>
      <span class="numbers">${energy(session.energy ?? 0)}<br />${money(session.cost ?? 0, token)}</span></a></li>`)}</ul>
    <h2>${t("history.statement")}</h2>
    <div class="scroll" tabindex="0" role="region" aria-label=${t("history.statement")}><table>
      <thead><tr><th>${t("history.time")}</th><th>${t("history.kind")}</th><th class="number">${t("history.amount")}</th></tr></thead>
      <tbody>${(statement ?? []).map((row) => html`<tr><td>${moment(row.time)}</td><td>${t(`kind.${row.kind}`)}</td><td class="number">${money(row.amount, token)}</td></tr>`)}</tbody>
    </table></div>
  `;
}

function Totals({ sessions, token }) {
  const used = sessions.reduce((sum, session) => sum + (session.energy ?? 0), 0);
  const paid = sessions.reduce((sum, session) => sum + (session.cost ?? 0), 0);
  return html`<section class="card row"><div><div class="quiet">${t("history.total-energy")}</div><div class="figure numbers">${energy(used, 1)}</div></div>
    <div><div class="quiet">${t("history.total-cost")}</div><div class="figure numbers">${money(paid, token)}</div></div></section>`;
}
