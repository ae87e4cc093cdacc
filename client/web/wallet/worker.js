// The service worker: the wallet's own files from the cache first, so that it opens without a network, and messages
// that come while it is closed. What the gateway answers is never kept here.

const CACHE = "condocharge-wallet-VERSION";
const FILES = ["FILES"];
/** Sentences in the reader's language, which the page keeps here (`notices.js`). */
const WORDS = "condocharge-words";
/** What is said where they are not kept: a push that shows nothing costs the wallet its permission in some browsers. */
const PLAIN = "There is news of your charging. Open the wallet to read it.";

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(FILES))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE && name !== WORDS).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin || pathname.startsWith("/v1/")) return;
  event.respondWith(caches.match(event.request, { ignoreSearch: true, ignoreVary: true }).then((kept) => kept ?? fetch(event.request)));
});

self.addEventListener("push", (event) => {
  event.waitUntil(tell(event.data.json()));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openPage(event.notification.data));
});

/** Show what has happened, in the reader's language. */
async function tell({ kind, name, session, unit, values }) {
  const shown = { icon: "/icon.svg", tag: `${session}-${name}`, data: `/#/session/${session}` };
  const kept = await caches.match("/words", { cacheName: WORDS });
  if (!kept) return self.registration.showNotification("Condocharge", { body: PLAIN, lang: "en", ...shown });
  const { language, token, sentences } = await kept.json();
  const sentence = sentences[name] ?? sentences[kind] ?? PLAIN;
  const number = (value, options) => new Intl.NumberFormat(language, options).format(value);
  const digits = { minimumFractionDigits: token.decimals, maximumFractionDigits: token.decimals };
  const money = (minor) => `${number(minor / 10 ** token.decimals, digits)} ${token.currency}`;
  const written = {
    unit,
    position: values.position ?? "",
    energy: `${number((values.energy ?? 0) / 1000, { maximumFractionDigits: 2 })} kWh`,
    cost: money(values.cost ?? 0),
    balance: money(values.balance ?? 0),
  };
  await self.registration.showNotification(token.name, {
    body: sentence.replace(/\{(\w+)\}/g, (_, each) => String(written[each])),
    lang: language,
    ...shown,
  });
}

/** The session's page, in a window that is open where there is one. */
async function openPage(path) {
  const [open] = await self.clients.matchAll({ type: "window" });
  if (!open) return self.clients.openWindow(path);
  await open.navigate(path);
  return open.focus();
}
