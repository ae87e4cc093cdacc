// The wallet: which page is shown.

import { effect } from "@preact/signals";

import { html, render } from "../shared/html.js";
import { t } from "../shared/i18n.js";
import { Failure, Notice } from "../shared/parts.js";
import { route } from "../shared/router.js";
import { About } from "./pages/about.js";
import { Buy } from "./pages/buy.js";
import { History } from "./pages/history.js";
import { Home } from "./pages/home.js";
import { Session } from "./pages/session.js";
import { Settings } from "./pages/settings.js";
import { Start } from "./pages/start.js";
import { Unlock } from "./pages/unlock.js";
import { Welcome } from "./pages/welcome.js";
import * as state from "./state.js";

const PAGES = {
  "": Home,
  unit: Start,
  session: Session,
  buy: Buy,
  history: History,
  settings: Settings,
  about: About,
  welcome: Welcome,
};
const TABS = [
  ["", "tab.home"],
  ["buy", "tab.buy"],
  ["history", "tab.history"],
  ["settings", "tab.settings"],
];
/** Pages that need no key. */
const OPEN = new Set(["about", "welcome", "settings"]);

function Wallet({ failure }) {
  const { page, argument } = route.value;
  if (failure && !state.condominium.value) return html`<main><${Failure} error=${failure} /></main>`;
  const Page = PAGES[page] ?? Home;
  const needsWallet = !state.current.value && page !== "about";
  const needsKey = !needsWallet && !state.key.value && !OPEN.has(page);
  return html`
    <main>
      ${!state.online.value && html`<${Notice}>${t("offline")}<//>`}
      ${needsWallet ? html`<${Welcome} />` : needsKey ? html`<${Unlock} />` : html`<${Page} argument=${argument} key=${page + argument} />`}
    </main>
    ${state.current.value && html`<${Tabs} page=${page} />`}
  `;
}

function Tabs({ page }) {
  return html`<nav class="tabs" aria-label=${t("tabs")}>
    ${TABS.map(
      ([name, label]) =>
        html`<a href=${`#/${name}`} aria-current=${name === page ? "page" : null}>${t(label)}</a>`,
    )}
  </nav>`;
}

const root = document.getElementById("app");
const show = (failure) => render(html`<${Wallet} failure=${failure} />`, root);
effect(() => {
  document.title = state.condominium.value ? `Condocharge · ${state.condominium.value.name}` : "Condocharge";
});
show(null);
state.begin().then(
  () => show(null),
  (error) => show(error),
);
// With Trusted Types a script's address has to come from a policy; this one knows a single address.
const policy = globalThis.trustedTypes?.createPolicy("condocharge", { createScriptURL: () => "/worker.js" });
navigator.serviceWorker?.register(policy ? policy.createScriptURL("") : "/worker.js");
