// The receipt, fetched and verified on this phone as soon as the session has ended; to share or to keep.

import { useEffect, useState } from "preact/hooks";

import { fetchBytes } from "../../shared/api.js";
import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Failure, Notice } from "../../shared/parts.js";
import * as state from "../state.js";

export function Receipt({ session }) {
  const [receipt, setReceipt] = useState({ file: null, error: null });
  const look = async () => {
    try {
      const file = await fetchBytes(`/v1/sessions/${session.session}/receipt`);
      const { verifyReceipt } = await import("../receipt/verify.js");
      const { session: proven } = await verifyReceipt(file, state.trustedRoot());
      if (proven.id !== session.session) throw new Error("another session");
      setReceipt({ file, error: null });
    } catch (error) {
      setReceipt({ file: null, error });
    }
  };
  useEffect(() => { look(); }, [session.session]);
  if (receipt.error?.link) return html`<${Notice} alarm>${t("receipt.false", { why: t(`receipt.${receipt.error.link}`) })}<//>`;
  if (receipt.error) return html`<${Failure} error=${receipt.error} /><p><button class="plain wide" onClick=${look}>${t("again")}</button></p>`;
  if (!receipt.file) return html`<p class="quiet">${t("receipt.verifying")}</p>`;
  const file = new File([receipt.file], `receipt-${session.session.slice(0, 12)}.json`, { type: "application/json" });
  // A text file is shared by every browser that shares files at all; JSON by few.
  const text = new File([receipt.file], `${file.name}.txt`, { type: "text/plain" });
  return html`<${Notice}><strong>${t("receipt.true")}</strong><br />${t("receipt.means")}<//>
    <p><button class="wide" onClick=${() => save(file)}>${t("session.receipt")}</button></p>
    ${navigator.canShare?.({ files: [text] }) && html`<p><button class="plain wide" onClick=${() => share(text)}>${t("session.share")}</button></p>`}`;
}

function save(file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function share(file) {
  try {
    await navigator.share({ files: [file], title: t("session.receipt") });
  } catch (error) {
    // The resident closed the sheet: nothing is wrong.
    if (error.name !== "AbortError") throw error;
  }
}
