// The console: entrance, rail and page.

import { effect } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

import { html, render } from "../shared/html.js";
import { LANGUAGES, language, speak, t } from "../shared/i18n.js";
import { Failure, Heading } from "../shared/parts.js";
import { route } from "../shared/router.js";
import { Account } from "./pages/account.js";
import { Charts } from "./pages/charts.js";
import { Accept, Entrance } from "./pages/entrance.js";
import { Labels } from "./pages/labels.js";
import { Ledger } from "./pages/ledger.js";
import { Log } from "./pages/log.js";
import { Money } from "./pages/money.js";
import { Now } from "./pages/now.js";
import { People } from "./pages/people.js";
import { Sessions } from "./pages/sessions.js";
import { Tariffs } from "./pages/tariffs.js";
import { Units } from "./pages/units.js";
import * as state from "./state.js";

const EVERYBODY = ["ADMIN", "OPERATOR", "AUDITOR", "USER"];
const STAFF = ["ADMIN", "OPERATOR", "AUDITOR"];
/** The rail's parts: for each page its component and the roles that see it. */
const PARTS = [
  ["", Now, EVERYBODY],
  ["sessions", Sessions, STAFF],
  ["charts", Charts, STAFF],
  ["money", Money, STAFF],
  ["tariffs", Tariffs, EVERYBODY],
  null,
  ["units", Units, STAFF],
  ["people", People, ["ADMIN", "OPERATOR"]],
  null,
  ["ledger", Ledger, STAFF],
  ["log", Log, ["ADMIN", "AUDITOR"]],
];
/** Pages that others lead to: with the page of the rail that they belong to. */
const BEYOND = [
  ["labels", Labels, STAFF, "units"],
  ["account", Account, EVERYBODY, "account"],
];

function Console({ failure }) {
  const { page, argument } = route.value;
  const account = state.account.value;
  if (failure) return html`<main class="entrance"><${Failure} error=${failure} /></main>`;
  if (account === undefined) return html`<main class="entrance"><p>${t("wait")}</p></main>`;
  if (page === "invitation") return html`<main class="entrance"><${Accept} token=${argument} /></main>`;
  if (account === null) return html`<main class="entrance"><${Entrance} /></main>`;
  const seen = PARTS.filter((part) => part === null || part[2].includes(account.role));
  const beyond = BEYOND.filter((part) => part[2].includes(account.role));
  const [name, Page, , home = name] = [...seen, ...beyond].find((part) => part !== null && part[0] === page) ?? ["unknown", Unknown];
  return html`
    <button class="skip" onClick=${() => document.querySelector("h1")?.focus()}>${t("console.skip")}</button>
    <${Rail} parts=${seen} page=${home} account=${account} />
    <main id="page"><${Page} key=${name} argument=${argument} /></main>
  `;
}

/** An address that leads nowhere, or where this account may not go. */
function Unknown() {
  return html`<${Heading}>${t("console.unknown")}<//><p>${t("console.unknown-text")}</p><p><a class="button" href="#/">${t("console.now")}</a></p>`;
}

function Rail({ parts, page, account }) {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(false), [page]);
  return html`<header class=${isOpen ? "rail open" : "rail"}>
    <p class="house"><strong>${state.condominium.value.name}</strong></p>
    <button class="menu plain" aria-expanded=${isOpen} aria-controls="menu" onClick=${() => setOpen(!isOpen)}>${t("console.menu")}</button>
    <div id="menu" class="drawer">
      <nav aria-label=${t("tabs")}>
        ${parts.map((part) =>
          part === null
            ? html`<hr />`
            : html`<a href=${`#/${part[0]}`} aria-current=${part[0] === page ? "page" : null}>${t(`console.${part[0] || "now"}`)}</a>`,
        )}
      </nav>
      <div class="self">
        <p><a href="#/account" aria-current=${page === "account" ? "page" : null}>${account.name || account.username}</a><br /><span class="quiet small">${t(`role.${account.role}`)}</span></p>
        <label class="small">${t("settings.language")}
          <select onChange=${(event) => speak(event.target.value)}>
            ${LANGUAGES.map((each) => html`<option value=${each} selected=${each === language.value}>${t(`language.${each}`)}</option>`)}
          </select></label>
        <button class="plain" onClick=${state.logOut}>${t("console.log-out")}</button>
      </div>
    </div>
  </header>`;
}

const root = document.getElementById("app");
const show = (failure) => render(html`<${Console} failure=${failure} />`, root);
effect(() => {
  const house = state.condominium.value;
  document.title = house ? `Condocharge · ${house.name}` : "Condocharge";
});
show(null);
state.begin().catch(show);
