// Scan: the code at a socket, by the camera; a phone's own camera opens the same link.

import { useEffect, useRef, useState } from "preact/hooks";

import { html } from "../../shared/html.js";
import { t } from "../../shared/i18n.js";
import { Field, Form, Heading, Notice, Told } from "../../shared/parts.js";
import { go } from "../../shared/router.js";

const EVERY = 200;

export function Page() {
  const video = useRef(null);
  const [trouble, setTrouble] = useState(null);
  useEffect(() => {
    const stop = new AbortController();
    watch(video.current, stop.signal, setTrouble).catch((error) => setTrouble(error.name === "NotAllowedError" ? "scan.refused" : "scan.no-camera"));
    return () => stop.abort();
  }, []);
  const action = async (form) => {
    const unit = String(form.get("unit")).trim();
    if (!/^\d{1,5}$/.test(unit)) throw new Told(t("scan.bad-number"));
    go(`/unit/${Number(unit)}`);
  };
  return html`
    <${Heading}>${t("scan.title")}<//>
    <p>${t("scan.text")}</p>
    ${trouble && html`<${Notice}>${t(trouble)}<//>`}
    <video class="viewfinder" ref=${video} muted playsinline aria-label=${t("scan.title")} hidden=${trouble === "scan.refused" || trouble === "scan.no-camera"}></video>
    <${Form} action=${action} submit=${t("scan.go")}>
      <${Field} name="unit" inputmode="numeric" label=${t("scan.number")} hint=${t("scan.number-hint")} autocomplete="off" />
    <//>
  `;
}

/** Look through the camera until a socket's code is in view. */
async function watch(video, signal, onTrouble) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const release = () => stream.getTracks().forEach((track) => track.stop());
  if (signal.aborted) return release();
  signal.addEventListener("abort", release);
  video.srcObject = stream;
  await video.play();
  const detector = await newDetector();
  while (!signal.aborted) {
    const [code] = await detector.detect(video);
    const path = code && pathOf(code.rawValue);
    if (path) return go(path);
    onTrouble(code ? "scan.foreign" : null);
    await new Promise((resolve) => { setTimeout(resolve, EVERY); });
  }
  return undefined;
}

/** The browser's own detector, or the library of the same form where it has none for such codes. */
async function newDetector() {
  const own = await globalThis.BarcodeDetector?.getSupportedFormats?.();
  const { BarcodeDetector } = own?.includes("qr_code") ? globalThis : await import("qr/decode.js");
  return new BarcodeDetector({ formats: ["qr_code"] });
}

/** The page that a socket's link names, null where the code is something else (docs/rest.md, "A socket's link"). */
export function pathOf(text) {
  const match = /^https?:\/\/[^#]+#(\/unit\/\d{1,5}(?:\?at=[a-z0-9-]{1,16})?)$/.exec(text);
  return match ? match[1] : null;
}
