// What the resident chose to be told, said in the page while it is open, wherever in it they are.

import { effect, signal, untracked } from "@preact/signals";

import { Unreachable } from "../shared/api.js";
import { html } from "../shared/html.js";
import { t } from "../shared/i18n.js";
import { sentenceOf, told } from "./notices.js";
import * as state from "./state.js";

const EVERY = 10_000;
/** How many at most: older ones stand in the list of notices. */
const MOST = 3;

const shown = signal([]);
/** When the newest notice was told that this page has seen, by wallet. */
const newest = new Map();

/** Look when a wallet is opened, so that all that comes after it is news, and again and again while it is. */
export function listen() {
  effect(() => {
    // What was told to one wallet's holder is nobody else's to read, on a phone that was locked or handed on.
    shown.value = [];
    if (state.key.value) untracked(look);
  });
  setInterval(() => { if (state.key.value && !document.hidden) look(); }, EVERY);
}

async function look() {
  const wallet = state.current.peek().id;
  const key = state.key.peek();
  let rows;
  try {
    ({ rows } = await told());
  } catch (error) {
    // Where it is out of reach or refuses the phone's clock the page itself says so; the list keeps what was told.
    if (!(error instanceof Unreachable)) console.warn("what was told meanwhile is not shown:", error);
    return;
  }
  if (key !== state.key.peek()) return;
  const since = newest.get(wallet);
  newest.set(wallet, rows[0]?.time ?? 0);
  // What had been told before the wallet was opened is no news.
  if (since === undefined) return;
  const fresh = rows.filter((notice) => notice.time > since);
  if (fresh.length) shown.value = [...fresh, ...shown.value].slice(0, MOST);
}

/** The notices that have just come. The region is there before them, or a screen reader would not read them. */
export function Toasts() {
  const close = (notice) => { shown.value = shown.value.filter((each) => each !== notice); };
  return html`<section class="toasts" role="status" aria-label=${t("toast.label")}>
    ${shown.value.map((notice) => html`<div class="toast" key=${`${notice.session}${notice.name}`}>
      <a href=${`#/session/${notice.session}`} onClick=${() => close(notice)}>${sentenceOf(notice)}</a>
      <button class="plain small" aria-label=${t("toast.close")} onClick=${() => close(notice)}>×</button></div>`)}
  </section>`;
}
