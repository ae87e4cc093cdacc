// Hands the service worker a push: reads {"worker", "words", "message"} and writes the notification that is shown.

import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";

const { worker, words, message } = JSON.parse(readFileSync(0, "utf8"));
const listeners = {};
const shown = [];
const self = {
  addEventListener: (name, listener) => (listeners[name] = listener),
  registration: { showNotification: async (title, options) => shown.push({ title, ...options }) },
};
const caches = { match: async () => (words ? new Response(JSON.stringify(words)) : undefined) };
runInNewContext(readFileSync(worker, "utf8"), { self, caches, Intl });
let told;
listeners.push({ data: { json: () => message }, waitUntil: (promise) => (told = promise) });
await told;
console.log(JSON.stringify(shown));
