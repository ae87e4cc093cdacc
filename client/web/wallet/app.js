// The wallet: which page is shown.

import { effect, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

import { html, render } from "../shared/html.js";
import { t } from "../shared/i18n.js";
import { Failure, Heading, Notice } from "../shared/parts.js";
import { route } from "../shared/router.js";
import { Welcome } from "./pages/welcome.js";
import * as state from "./state.js";

/** Pages and how to bring them: the first view needs one of them. */
const PAGES = {
  "": () => import("./pages/home.js"),
  unit: () => import("./pages/start.js"),
  socket: () => import("./pages/socket.js"),
  scan: () => import("./pages/scan.js"),
  session: () => import("./pages/session.js"),
  readings: () => import("./pages/readings.js"),
  buy: () => import("./pages/buy.js"),
  history: () => import("./pages/history.js"),
  usage: () => import("./pages/usage.js"),
  statement: () => import("./pages/statement.js"),
  mandates: () => import("./pages/mandates.js"),
  notifications: () => import("./pages/notifications.js"),
  settings: () => import("./pages/settings.js"),
  about: () => import("./pages/about.js"),
  welcome: async () => ({ Page: Welcome }),
};
const unlock = () => import("./pages/unlock.js");
const TABS = [
  ["", "tab.home", ["unit", "socket", "scan", "session", "readings"]],
  ["buy", "tab.buy", []],
  ["history", "tab.history", ["usage", "statement"]],
  ["settings", "tab.settings", ["about", "mandates", "notifications", "welcome"]],
];
/** A plug, a coin, columns, a slider: strokes in a square of 24. */
const ICONS = {
  "tab.home": "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4",
  "tab.buy": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 8v8M8 12h8",
  "tab.history": "M4 20h16M7 20v-7M12 20V6M17 20v-10",
  "tab.settings": "M4 8h10M18 8h2M4 16h2M10 16h10M16 6v4M8 14v4",
};
/** Pages that need no key. What a session does is its holder's to see, also while the wallet is locked. */
const OPEN = new Set(["about", "welcome", "settings", "session"]);

/** What is over every page, once it was brought. */
const later = signal(null);

function Wallet({ asking, failure }) {
  const { page, argument } = route.value;
  if (failure && !state.condominium.value) return html`<main><${Failure} error=${failure} /></main>`;
  const known = page in PAGES ? page : "";
  const needsWallet = !state.current.value && page !== "about";
  const needsKey = !needsWallet && !state.key.value && !OPEN.has(page);
  return html`
    <main>
      ${!state.online.value && html`<${Notice}>${t("offline")}<//>`}
      ${needsWallet
        ? html`<${Welcome} />`
        : needsKey
          ? html`<${Brought} key="unlock" bring=${unlock} />`
          : asking
            ? html`<${Heading}>${t("wait")}<//>`
            : html`<${Brought} key=${known + argument} bring=${PAGES[known]} argument=${argument} />`}
    </main>
    ${later.value && html`<${later.value} />`}
    ${state.current.value && html`<${Tabs} page=${known} />`}
  `;
}

/** A page whose module is brought first. Every page's module calls it `Page`. */
function Brought({ bring, argument }) {
  const [brought, setBrought] = useState({ Page: null, error: null });
  useEffect(() => {
    bring().then(({ Page }) => setBrought({ Page, error: null }), (error) => setBrought({ Page: null, error }));
  }, [bring]);
  if (brought.error) return html`<${Failure} error=${brought.error} />`;
  if (!brought.Page) return html`<${Heading}>${t("wait")}<//>`;
  return html`<${brought.Page} argument=${argument} />`;
}

function Tabs({ page }) {
  return html`<nav class="tabs" aria-label=${t("tabs")}>
    ${TABS.map(
      ([name, label, under]) =>
        html`<a href=${`#/${name}`} aria-current=${name === page ? "page" : under.includes(page) ? "true" : null}><svg viewBox="0 0 24 24" aria-hidden="true"><path d=${ICONS[label]} /></svg>${t(label)}</a>`,
    )}
  </nav>`;
}

const root = document.getElementById("app");
const show = (asked) => render(html`<${Wallet} ...${asked} />`, root);
effect(() => {
  document.title = state.condominium.value ? `Condocharge · ${state.condominium.value.name}` : "Condocharge";
});
// Making a wallet and opening one need no answer of the gateway's: the first view does not wait for it.
const answer = state.refreshCondominium().then(() => ({}), (failure) => ({ failure }));
state
  .begin()
  .then(() => show({ asking: true }))
  .then(() => answer)
  .catch((failure) => ({ failure }))
  .then(show)
  .then(() => {
    // What the first view can do without comes when it is there.
    import("./wish.js").then(({ attend }) => attend());
    import("./notices.js").then(({ keepWords }) => keepWords());
    import("./toast.js").then(({ Toasts, listen }) => {
      later.value = Toasts;
      listen();
    });
  });
// With Trusted Types a script's address has to come from a policy; this one knows a single address. What the worker
// keeps for later would hold up the first view, so it is registered after; the sentences may come later than that.
const policy = globalThis.trustedTypes?.createPolicy("condocharge", { createScriptURL: () => "/worker.js" });
const register = () => navigator.serviceWorker?.register(policy ? policy.createScriptURL("") : "/worker.js");
if (document.readyState === "complete") register();
else addEventListener("load", register);
