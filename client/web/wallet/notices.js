// What the resident is told: the kinds they chose, this browser's push subscription, and the words for both page and
// service worker, which has no other way to them.

import { effect } from "@preact/signals";

import { base64url, fromBase64url, hex, sha256, utf8 } from "../shared/bytes.js";
import { energy, language, money, regional, t } from "../shared/i18n.js";
import * as state from "./state.js";

export const KINDS = ["charged", "queued", "abnormal", "low-balance"];
const NAMES = ["queued", "occupied", "begun", "full", "ended", "low-balance", "abnormal"];
const WORDS = "condocharge-words";

const path = (rest) => `/v1/wallets/${state.current.value.id}/${rest}`;

/** `{kinds, key, browsers}` as the gateway has them. */
export function read() {
  return state.signed("GET", path("notifications"));
}

/** @param {string[]} kinds */
export function choose(kinds) {
  return state.signed("PUT", path("notifications"), { kinds });
}

/** A page of what was told, newest first. @param {string} [bookmark] */
export function told(bookmark = "") {
  return state.signed("GET", path(`notices${bookmark && `?bookmark=${bookmark}`}`));
}

/** The sentence for something told. @param {{kind: string, name: string, unit: number, values: Record<string, number>}} notice */
export function sentenceOf({ kind, name, unit, values }) {
  const token = state.condominium.value;
  const known = NAMES.includes(name) ? name : kind;
  return t(`notice.${known}`, {
    unit,
    position: values.position ?? "",
    energy: energy(values.energy ?? 0),
    cost: money(values.cost ?? 0, token),
    balance: money(values.balance ?? 0, token),
  });
}

/** Whether this browser can be pushed to at all. */
export function canPush() {
  return "PushManager" in globalThis && "Notification" in globalThis && "serviceWorker" in navigator;
}

/** What this browser's subscription is called, null where it has none. */
export async function ownBrowser() {
  const subscription = canPush() && (await (await navigator.serviceWorker.ready).pushManager.getSubscription());
  return subscription ? hex(await sha256(utf8(subscription.endpoint))) : null;
}

/** Push to this browser too. Throws NotAllowedError where the resident or the browser says no. @param {string} key the gateway's VAPID key */
export async function startPush(key) {
  if ((await Notification.requestPermission()) !== "granted") throw new DOMException("", "NotAllowedError");
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: fromBase64url(key) });
  const part = (name) => base64url(new Uint8Array(subscription.getKey(name)));
  await state.signed("POST", path("push-subscriptions"), { endpoint: subscription.endpoint, key: part("p256dh"), secret: part("auth") });
}

export async function endPush() {
  const id = await ownBrowser();
  if (!id) return;
  await state.signed("DELETE", path(`push-subscriptions/${id}`));
  await (await (await navigator.serviceWorker.ready).pushManager.getSubscription())?.unsubscribe();
}

/** Keep the words for the service worker, in the reader's language. */
export function keepWords() {
  effect(() => {
    const token = state.condominium.value;
    if (!token) return;
    const blank = (name) => t(`notice.${name}`, Object.fromEntries(["unit", "position", "energy", "cost", "balance"].map((each) => [each, `{${each}}`])));
    const words = { language: regional.value, token, sentences: Object.fromEntries(NAMES.map((name) => [name, blank(name)])), of: language.value };
    globalThis.caches?.open(WORDS).then((cache) => cache.put("/words", new Response(JSON.stringify(words))));
  });
}
