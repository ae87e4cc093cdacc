// Scan: the code at a socket, by the camera; a phone's own camera opens the same link.

import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Field, Form, Heading, Told } from "../../shared/parts.js";
import { go } from "../../shared/router.js";
import { Viewfinder } from "../viewfinder.js";

const SAYS = { foreign: "scan.foreign", refused: "scan.refused", missing: "scan.no-camera" };

/** Go where a socket's code leads. */
function follow(text) {
  const path = pathOf(text);
  if (path) go(path);
  return path !== null;
}

export function Page() {
  const action = async (form) => {
    const unit = String(form.get("unit")).trim();
    if (!/^\d{1,5}$/.test(unit)) throw new Told(t("scan.bad-number"));
    go(`/unit/${Number(unit)}`);
  };
  return html`
    <${Heading}>${t("scan.title")}<//>
    <p>${t("scan.text")}</p>
    <${Viewfinder} label=${t("scan.title")} says=${SAYS} take=${follow} />
    <${Form} action=${action} submit=${t("scan.go")}>
      <${Field} name="unit" inputmode="numeric" label=${t("scan.number")} hint=${t("scan.number-hint")} autocomplete="off" />
    <//>
  `;
}

/** The page that a socket's link names, null where the code is something else (docs/rest.md, "A socket's link"). */
export function pathOf(text) {
  const match = /^https?:\/\/[^#]+#(\/unit\/\d{1,5}(?:\?at=[a-z0-9-]{1,16})?)$/.exec(text);
  return match ? match[1] : null;
}
