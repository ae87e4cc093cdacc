// The first page: make a wallet, or go on to restore one.

import { useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Failure, Field, Form, Heading, Told } from "../../shared/parts.js";
import { go, route } from "../../shared/router.js";
import * as state from "../state.js";

const SHORTEST_PASSPHRASE = 8;

export function Welcome() {
  const [next, setNext] = useState(null);
  if (next?.error) return html`<${Failure} error=${next.error} />`;
  if (next) return html`<${next.Page} ...${next} />`;
  const onLocked = async (made) => setNext({ ...(await import("./sheet.js")), ...made });
  const restore = () => import("./restore.js").then(({ Page }) => setNext({ Page, onBack: () => setNext(null) }), (error) => setNext({ error }));
  return html`
    <header class="hero"><img src="/icon.svg" alt="" width="56" height="56" /><${Heading}>${t("welcome.title")}<//><p>${t("welcome.text")}</p></header>
    <${Lock} submit=${t("welcome.create")} seed=${async () => (await state.bringVault()).newSeed()} onLocked=${onLocked} />
    <p><button class="plain wide" onClick=${restore}>${t("welcome.restore")}</button></p>
  `;
}

/** Name a wallet and choose what locks it. */
export function Lock({ submit, seed, onLocked, children }) {
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

/** Keep a wallet, in use and unlocked. Whoever came by a socket's link goes on there. */
export async function adopt({ seed, name, lock }) {
  await state.adopt(seed, name, lock);
  if (route.value.page === "welcome") go("/");
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
