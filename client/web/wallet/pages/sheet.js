// The recovery sheet of a wallet that was just made, once: words to write down, and printed a code to scan as well.

import { Code } from "../../shared/code.js";
import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Form, Heading, Notice } from "../../shared/parts.js";
import { wordsOf } from "../recovery.js";
import { adopt } from "./welcome.js";

export function Page({ seed, name, lock }) {
  const words = wordsOf(seed);
  const action = () => adopt({ seed, name, lock });
  return html`
    <${Heading}>${t("recovery.title")}<//>
    <${Notice}>${t("recovery.text")}<//>
    <ol class="words">${words.map((word) => html`<li>${word}</li>`)}</ol>
    <div class="sheet"><${Code} text=${words.join(" ")} label=${t("recovery.code")} /><p>${t("recovery.code")} · ${name}</p></div>
    <p><button class="plain wide" type="button" onClick=${() => print()}>${t("recovery.print")}</button></p>
    <${Form} action=${action} submit=${t("recovery.done")} />
  `;
}
