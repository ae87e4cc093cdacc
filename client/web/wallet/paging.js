// Lists that the gateway gives by the page.

import { useEffect, useState } from "preact/hooks";

import { html } from "../shared/html.js";
import { t } from "../shared/i18n.js";

/**
 * The rows so far, and how to have more. @param {(bookmark: string) => Promise<{rows: object[], bookmark: string}>} read
 * @param {unknown[]} [inputs] read anew where these change
 */
export function usePages(read, inputs = []) {
  const [pages, setPages] = useState({ rows: null, bookmark: "", error: null, busy: false });
  const more = async (rows, bookmark) => {
    setPages({ rows, bookmark, error: null, busy: true });
    try {
      const page = await read(bookmark);
      setPages({ rows: [...(rows ?? []), ...page.rows], bookmark: page.bookmark, error: null, busy: false });
    } catch (error) {
      setPages({ rows, bookmark, error, busy: false });
    }
  };
  useEffect(() => { more(null, ""); }, inputs);
  return { ...pages, more: () => more(pages.rows, pages.bookmark), again: () => more(null, "") };
}

/** A button for the next page, where there is one. */
export function More({ pages }) {
  if (!pages.bookmark) return null;
  return html`<p><button class="plain wide" disabled=${pages.busy} onClick=${pages.more}>${pages.busy ? t("wait") : t("more")}</button></p>`;
}
