// The console: entrance, rail and page.

import { html, render } from "../shared/html.js";
import { LANGUAGES, language, speak, t } from "../shared/i18n.js";
import { Failure } from "../shared/parts.js";
import { route } from "../shared/router.js";
import { Accept, Entrance } from "./pages/entrance.js";
import { Ledger } from "./pages/ledger.js";
import { Log } from "./pages/log.js";
import { Money } from "./pages/money.js";
import { Now } from "./pages/now.js";
import { People } from "./pages/people.js";
import { Tariffs } from "./pages/tariffs.js";
import { Units } from "./pages/units.js";
import * as state from "./state.js";

const EVERYBODY = ["ADMIN", "OPERATOR", "AUDITOR", "USER"];
/** Page, its component, and the roles that see it. */
const PAGES = [
  ["", Now, EVERYBODY],
  ["units", Units, ["ADMIN", "OPERATOR", "AUDITOR"]],
  ["people", People, ["ADMIN", "OPERATOR"]],
  ["money", Money, ["ADMIN", "OPERATOR", "AUDITOR"]],
  ["tariffs", Tariffs, EVERYBODY],
  ["ledger", Ledger, ["ADMIN", "OPERATOR", "AUDITOR"]],
  ["log", Log, ["ADMIN", "AUDITOR"]],
];

function Console({ failure }) {
  const { page, argument } = route.value;
  const account = state.account.value;
  if (failure) return html`<main class="entrance"><${Failure} error=${failure} /></main>`;
  if (account === undefined) return html`<main class="entrance"><p>${t("wait")}</p></main>`;
  if (page === "invitation") return html`<main class="entrance"><${Accept} token=${argument} /></main>`;
  if (account === null) return html`<main class="entrance"><${Entrance} /></main>`;
  const seen = PAGES.filter(([, , roles]) => roles.includes(account.role));
  const [, Page] = seen.find(([name]) => name === page) ?? seen[0];
  return html`
    <nav class="rail" aria-label=${t("tabs")}>
      <p><strong>${state.condominium.value.name}</strong></p>
      ${seen.map(([name]) => html`<a href=${`#/${name}`} aria-current=${name === page ? "page" : null}>${t(`console.${name || "now"}`)}</a>`)}
      <p class="quiet small">${account.name || account.username}<br />${t(`role.${account.role}`)}</p>
      <label class="small">${t("settings.language")}
        <select onChange=${(event) => speak(event.target.value)}>
          ${LANGUAGES.map((each) => html`<option value=${each} selected=${each === language.value}>${t(`language.${each}`)}</option>`)}
        </select></label>
      <button class="plain" onClick=${state.logOut}>${t("console.log-out")}</button>
    </nav>
    <main><${Page} key=${page} /></main>
  `;
}

const root = document.getElementById("app");
const show = (failure) => render(html`<${Console} failure=${failure} />`, root);
show(null);
state.begin().catch(show);
