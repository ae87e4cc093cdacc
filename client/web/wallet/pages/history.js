// History: the wallet's sessions, newest first.

import { html } from "../../shared/html.js";
import { energy, moment, money, t } from "../../shared/i18n.js";
import { Failure, Heading } from "../../shared/parts.js";
import { More, usePages } from "../paging.js";
import * as state from "../state.js";

const MONTH = { month: "long", year: "numeric" };

export function Page() {
  const pages = usePages((bookmark) => state.sessions(bookmark));
  const token = state.condominium.value;
  const months = Map.groupBy(pages.rows ?? [], (session) => moment(session.opened, MONTH));
  return html`
    <${Heading}>${t("tab.history")}<//>
    <${Sections} here="history" />
    <${Failure} error=${pages.error} />
    ${pages.rows?.length === 0 && html`<div class="empty"><p>${t("history.none")}</p><a class="button" href="#/">${t("history.first")}</a></div>`}
    ${[...months].map(([month, sessions]) => html`
      <div class="row"><h2>${month}</h2><span class="quiet numbers">${total(sessions, token)}</span></div>
      <ul class="plain">${sessions.map((session) => html`<li><a class="card unit" href=${`#/session/${session.session}`}>
        <span class="number" aria-hidden="true">${session.unit}</span>
        <span class="grow">${moment(session.opened, { weekday: "short", day: "numeric", hour: "2-digit", minute: "2-digit" })}<br />
          <span class="quiet">${t("home.unit", { unit: session.unit })} · ${t(`activity.${session.activity}`)}</span></span>
        <span class="numbers end">${energy(session.energy ?? 0)}<br />${money(session.cost ?? 0, token)}</span></a></li>`)}</ul>`)}
    <${More} pages=${pages} />
  `;
}

/** The three views of the past. @param {{here: "history" | "usage" | "statement"}} props */
export function Sections({ here }) {
  return html`<nav class="sections" aria-label=${t("tab.history")}>${["history", "usage", "statement"].map(
    (name) => html`<a href=${`#/${name}`} aria-current=${name === here ? "page" : null}>${t(`sections.${name}`)}</a>`,
  )}</nav>`;
}

function total(sessions, token) {
  const sum = (name) => sessions.reduce((so, session) => so + (session[name] ?? 0), 0);
  return `${energy(sum("energy"), 1)} · ${money(sum("cost"), token)}`;
}
