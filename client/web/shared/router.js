// Pages by the address's fragment: `#/unit/7?at=aurora` is page "unit", argument "7", with a query.

import { computed, signal } from "@preact/signals";

const fragment = signal(location.hash);
addEventListener("hashchange", () => {
  fragment.value = location.hash;
  // A screen reader is told of a new page by its heading taking the focus.
  requestAnimationFrame(() => document.querySelector("h1")?.focus());
});

export const route = computed(() => {
  const [path, query = ""] = fragment.value.replace(/^#\/?/, "").split("?");
  const [page = "", argument = ""] = path.split("/");
  return { page: decodeURIComponent(page), argument: decodeURIComponent(argument), query: new URLSearchParams(query) };
});

/** @param {string} path such as `/unit/7` */
export function go(path) {
  location.hash = path;
}
