// Settings: language, mandates, the car, wallets kept here, lock, forget.

import { useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { LANGUAGES, language, parseMoney, speak, t } from "../../shared/i18n.js";
import { Field, Form, Heading, Pairs, Told } from "../../shared/parts.js";
import { go } from "../../shared/router.js";
import { carOf, keepCar } from "../car.js";
import * as state from "../state.js";
import * as store from "../store.js";

/** Wh; no car holds more. */
const LARGEST = 1_000_000;

/** The car's battery: what a state of charge is worth in energy. */
function Car({ wallet }) {
  const [kept, setKept] = useState(false);
  const { capacity } = carOf(wallet.id);
  const action = async (form) => {
    const text = String(form.get("capacity")).trim();
    const wattHours = parseMoney(text, 3);
    if (text && (wattHours === null || wattHours > LARGEST)) throw new Told(t("settings.bad-capacity"));
    keepCar(wallet.id, { capacity: wattHours });
    setKept(true);
  };
  return html`<section class="card"><h2>${t("settings.car")}</h2><${Form} action=${action} submit=${t("settings.save")}>
    <${Field} name="capacity" inputmode="decimal" label=${t("settings.capacity")} hint=${t("settings.capacity-hint")} defaultValue=${capacity ? capacity / 1000 : ""} autocomplete="off" onInput=${() => setKept(false)} />
    ${kept && html`<p role="status">${t("settings.saved")}</p>`}
  <//></section>`;
}

export function Page() {
  const wallet = state.current.value;
  const remove = async (form) => {
    if (String(form.get("name")).trim() !== wallet.name) throw new Told(t("settings.type-name"));
    // Its tokens stay on the ledger for whoever has its recovery sheet.
    await store.remove(store.WALLETS, wallet.id);
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
      <ul class="plain"><li><a class="card unit" href="#/notifications"><span class="grow"><strong>${t("notices.title")}</strong><br /><span class="quiet">${t("notices.short")}</span></span></a></li><li><a class="card unit" href="#/mandates"><span class="grow"><strong>${t("mandates.title")}</strong><br /><span class="quiet">${t("mandates.short")}</span></span></a></li></ul>
      <${Car} wallet=${wallet} />
      <p><button class="plain wide" onClick=${() => { state.lock(); go("/"); }}>${t("settings.lock-now")}</button></p>
      <p><a class="button plain wide" href="#/welcome">${t("settings.another")}</a></p>
      <details class="card"><summary>${t("settings.forget")}</summary>
        <p>${t("settings.forget-text", { name: wallet.name })}</p>
        <${Form} action=${remove} submit=${t("settings.forget")}><label>${t("settings.name")}<input name="name" autocomplete="off" /></label><//>
      </details>`}
    <p><a href="#/about">${t("about.title")}</a></p>
  `;
}
