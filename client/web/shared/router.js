// Pages by the address's fragment: `#/unit/7?from=qr` is page "unit", argument "7".

import { computed, signal } from "@preact/signals";

const fragment = signal(location.hash);
addEventListener("hashchange", () => {
  fragment.value = location.hash;
  // A screen reader is told of a new page by its heading taking the focus.
  requestAnimationFrame(() => document.querySelector("h1")?.focus());
});

export const route = computed(() => {
  const [page = "", argument = ""] = fragment.value.replace(/^#\/?/, "").split("?")[0].split("/");
  return { page: decodeURIComponent(page), argument: decodeURIComponent(argument) };
});

/** @param {string} path such as `/unit/7` */
export function go(path) {
  location.hash = path;
}
