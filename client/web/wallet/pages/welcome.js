// The first page: make a wallet, write its recovery words down, or restore one.

import { useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Field, Form, Heading, Notice, Told } from "../../shared/parts.js";
import { go, route } from "../../shared/router.js";
import * as state from "../state.js";

const SHORTEST_PASSPHRASE = 8;

export function Welcome() {
  const [sheet, setSheet] = useState(null);
  const [restoring, setRestoring] = useState(false);
  if (restoring) return html`<${Restore} onBack=${() => setRestoring(false)} />`;
  if (sheet) return html`<${Sheet} ...${sheet} />`;
  const onLocked = async (made) => setSheet({ ...made, words: (await recovery()).wordsOf(made.seed) });
  return html`
    <header class="hero"><img src="/icon.svg" alt="" width="56" height="56" /><${Heading}>${t("welcome.title")}<//><p>${t("welcome.text")}</p></header>
    <${Lock} submit=${t("welcome.create")} seed=${async () => (await state.bringVault()).newSeed()} onLocked=${onLocked} />
    <p><button class="plain wide" onClick=${() => setRestoring(true)}>${t("welcome.restore")}</button></p>
  `;
}

/** Name a wallet and choose what locks it. */
function Lock({ submit, seed, onLocked, children }) {
  const action = async (form) => {
    const name = String(form.get("name")).trim() || t("welcome.default-name");
    const made = await seed(form);
    if (form.get("method") === "passkey") {
      await onLocked({ seed: made, name, lock: await withPasskey(made, name) });
      return;
    }
    const passphrase = String(form.get("passphrase"));
    if (passphrase.length < SHORTEST_PASSPHRASE) {
      throw new Told(t("welcome.short", { least: SHORTEST_PASSPHRASE }));
    }
    await onLocked({ seed: made, name, lock: await (await state.bringVault()).lockWithPassphrase(made, passphrase) });
  };
  const [method, setMethod] = useState("passphrase");
  return html`<${Form} action=${action} submit=${submit}>
    ${children}
    <${Field} name="name" label=${t("welcome.name")} hint=${t("welcome.name-hint")} maxlength="40" autocomplete="off" />
    <fieldset>
      <legend>${t("welcome.lock")}</legend>
      ${["passphrase", "passkey"].map(
        (each) => html`<label><input type="radio" name="method" value=${each}
          checked=${method === each} onChange=${() => setMethod(each)} />${t(`welcome.${each}`)}</label>`,
      )}
    </fieldset>
    ${method === "passphrase" &&
    html`<${Field} type="password" name="passphrase" label=${t("welcome.passphrase")}
      hint=${t("welcome.passphrase-hint", { least: SHORTEST_PASSPHRASE })} autocomplete="new-password" />`}
  <//>`;
}

/** The recovery words, once. */
function Sheet({ seed, words, name, lock }) {
  // Whoever came by a socket's link goes on there.
  const action = () => adopt({ seed, name, lock });
  return html`
    <${Heading}>${t("recovery.title")}<//>
    <${Notice}>${t("recovery.text")}<//>
    <ol class="words">${words.map((word) => html`<li>${word}</li>`)}</ol>
    <p><button class="plain wide" type="button" onClick=${() => print()}>${t("recovery.print")}</button></p>
    <${Form} action=${action} submit=${t("recovery.done")} />
  `;
}

function Restore({ onBack }) {
  const seed = async (form) => {
    const made = (await recovery()).seedOf(String(form.get("words")));
    if (!made) throw new Told(t("restore.wrong"));
    return made;
  };
  return html`
    <${Heading}>${t("restore.title")}<//>
    <${Lock} submit=${t("restore.submit")} seed=${seed} onLocked=${adopt}>
      <label>${t("restore.words")}<textarea name="words" rows="4" autocapitalize="none" spellcheck="false"></textarea></label>
    <//>
    <p><button class="plain wide" onClick=${onBack}>${t("back")}</button></p>
  `;
}

async function adopt({ seed, name, lock }) {
  await state.adopt(seed, name, lock);
  if (route.value.page === "welcome") go("/");
}

/** The word list is brought when the first words are needed. */
function recovery() {
  return import("../recovery.js");
}

async function withPasskey(seed, name) {
  const vault = await state.bringVault();
  try {
    return await vault.lockWithPasskey(seed, name);
  } catch (error) {
    if (error instanceof vault.PasskeyUnsupported || error.name === "NotAllowedError") {
      throw new Told(t("welcome.no-passkey"));
    }
    throw error;
  }
}
