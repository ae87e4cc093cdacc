// Make the wallet of a recovery sheet again: from its words, typed or read from its code.

import { useRef, useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Heading, Told } from "../../shared/parts.js";
import { seedOf } from "../recovery.js";
import { Viewfinder } from "../viewfinder.js";
import { Lock, adopt } from "./welcome.js";

const SAYS = { foreign: "restore.foreign", refused: "restore.refused", missing: "restore.no-camera" };

export function Page({ onBack }) {
  const words = useRef(null);
  const [scan, setScan] = useState("offered");
  const seed = async (form) => {
    const made = seedOf(String(form.get("words")));
    if (!made) throw new Told(t("restore.wrong"));
    return made;
  };
  const take = (text) => {
    if (!seedOf(text)) return false;
    words.current.value = text;
    setScan("read");
    return true;
  };
  return html`
    <${Heading}>${t("restore.title")}<//>
    ${scan === "offered" && html`<p><button class="plain wide" onClick=${() => setScan("looking")}>${t("restore.scan")}</button></p>`}
    ${scan === "looking" && html`<${Viewfinder} label=${t("restore.scan")} says=${SAYS} take=${take} />`}
    ${scan === "read" && html`<p role="status">${t("restore.read")}</p>`}
    <${Lock} submit=${t("restore.submit")} seed=${seed} onLocked=${adopt}>
      <label>${t("restore.words")}<textarea ref=${words} name="words" rows="4" autocapitalize="none" spellcheck="false"></textarea></label>
    <//>
    <p><button class="plain wide" onClick=${onBack}>${t("back")}</button></p>
  `;
}
