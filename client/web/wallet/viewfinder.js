// What the camera sees, until the code that is looked for is in view.

import { useEffect, useRef, useState } from "preact/hooks";

import { html } from "../shared/html.js";
import { t } from "../shared/i18n.js";
import { Notice } from "../shared/parts.js";

const EVERY = 200;

/**
 * `take` is given each code's text and answers whether it was the one. `says` names the page's sentences for another code,
 * for a camera that was not allowed, and for none.
 * @param {{label: string, says: {foreign: string, refused: string, missing: string}, take: (text: string) => boolean}} props
 */
export function Viewfinder({ label, says, take }) {
  const video = useRef(null);
  const [trouble, setTrouble] = useState(null);
  useEffect(() => {
    const stop = new AbortController();
    watch(video.current, stop.signal, take, (isForeign) => setTrouble(isForeign ? "foreign" : null)).catch((error) =>
      setTrouble(error.name === "NotAllowedError" ? "refused" : "missing"),
    );
    return () => stop.abort();
  }, []);
  return html`
    ${trouble && html`<${Notice}>${t(says[trouble])}<//>`}
    <video class="viewfinder" ref=${video} muted playsinline aria-label=${label} hidden=${trouble === "refused" || trouble === "missing"}></video>
  `;
}

async function watch(video, signal, take, onCode) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const release = () => stream.getTracks().forEach((track) => track.stop());
  if (signal.aborted) return release();
  signal.addEventListener("abort", release);
  video.srcObject = stream;
  await video.play();
  const detector = await newDetector();
  while (!signal.aborted) {
    const [code] = await detector.detect(video);
    if (code && take(code.rawValue)) return release();
    onCode(Boolean(code));
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
