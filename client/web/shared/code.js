// A text as a QR code, drawn as one path: a printer's resolution is its own.

import encodeQR from "qr/index.js";

import { html } from "./html.js";

/** Modules of quiet around the code (ISO/IEC 18004, section 6.3.8). */
const QUIET = 4;

/** @param {{text: string, label: string}} props */
export function Code({ text, label }) {
  const rows = encodeQR(text, "raw", { ecc: "quartile", border: QUIET });
  const size = rows.length;
  const dark = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return html`<svg class="code" role="img" aria-label=${label} viewBox=${`0 0 ${size} ${size}`} shape-rendering="crispEdges">
    <rect class="light" width=${size} height=${size} /><path class="dark" d=${dark.join("")} /></svg>`;
}
