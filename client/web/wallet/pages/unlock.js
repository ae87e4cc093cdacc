// Unlock the wallet in use.

import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Field, Form, Heading, Told } from "../../shared/parts.js";
import * as state from "../state.js";
import { WrongSecret } from "../vault.js";

export function Page() {
  return html`<${Heading}>${t("unlock.title", { name: state.current.value.name })}<//><${UnlockForm} />`;
}

export function UnlockForm() {
  const wallet = state.current.value;
  const byPasskey = wallet.lock.method === "passkey";
  const action = async (form) => {
    try {
      await state.unlock(byPasskey ? undefined : String(form.get("passphrase")));
    } catch (error) {
      if (error instanceof WrongSecret) throw new Told(t("unlock.wrong"));
      if (error.name === "NotAllowedError") throw new Told(t("unlock.passkey-refused"));
      throw error;
    }
  };
  return html`
    <${Form} action=${action} submit=${t("unlock.submit")}>
      ${!byPasskey &&
      html`<${Field} type="password" name="passphrase" label=${t("welcome.passphrase")} autocomplete="current-password" />`}
    <//>
  `;
}
