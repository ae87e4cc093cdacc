// Settings: language, wallets kept here, lock, forget.

import { html } from "../../shared/html.js";
import { LANGUAGES, language, speak, t } from "../../shared/i18n.js";
import { Form, Heading, Pairs, Told } from "../../shared/parts.js";
import { go } from "../../shared/router.js";
import * as state from "../state.js";
import { forget } from "../vault.js";

export function Settings() {
  const wallet = state.current.value;
  const remove = async (form) => {
    if (String(form.get("name")).trim() !== wallet.name) throw new Told(t("settings.type-name"));
    await forget(wallet.id);
    await state.begin();
    state.lock();
    go("/");
  };
  return html`
    <${Heading}>${t("tab.settings")}<//>
    <label>${t("settings.language")}
      <select onChange=${(event) => speak(event.target.value)}>
        ${LANGUAGES.map((each) => html`<option value=${each} selected=${each === language.value}>${t(`language.${each}`)}</option>`)}
      </select></label>
    ${wallet && html`
      <label>${t("settings.wallet")}
        <select onChange=${(event) => state.use(event.target.value)}>
          ${state.kept.value.map((each) => html`<option value=${each.id} selected=${each.id === wallet.id}>${each.name}</option>`)}
        </select></label>
      <section class="card"><${Pairs} rows=${[[t("settings.id"), wallet.id], [t("settings.lock"), t(`welcome.${wallet.lock.method}`)]]} /></section>
      <p><button class="plain wide" onClick=${() => { state.lock(); go("/"); }}>${t("settings.lock-now")}</button></p>
      <p><a class="button plain wide" href="#/welcome">${t("settings.another")}</a></p>
      <details class="card"><summary>${t("settings.forget")}</summary>
        <p>${t("settings.forget-text", { name: wallet.name })}</p>
        <${Form} action=${remove} submit=${t("settings.forget")}><label>${t("settings.name")}<input name="name" autocomplete="off" /></label><//>
      </details>`}
    <p><a href="#/about">${t("about.title")}</a></p>
  `;
}
