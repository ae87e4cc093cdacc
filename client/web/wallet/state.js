// What the wallet's pages look at: the condominium, the wallet in use, its balance and the units.

import { signal } from "@preact/signals";

import { Unreachable, ask } from "../shared/api.js";
import * as store from "./store.js";

const CURRENT = "condocharge-current-wallet";
const CONDOMINIUM = "condocharge-condominium";
const ROOT = "condocharge-root";

export const condominium = signal(JSON.parse(localStorage.getItem(CONDOMINIUM) ?? "null"));
/** All wallets of this browser. */
export const kept = signal([]);
/** The wallet in use, `{id, name, lock}`, or null. */
export const current = signal(null);
/** The unlocked key, or null. Lives in memory alone. */
export const key = signal(null);
export const account = signal(null);
export const units = signal([]);
/** States of a session that is under way. */
export const RUNNING = new Set(["opened", "started"]);
/** Whether the last question reached the gateway. */
export const online = signal(true);

/** Keys are opened and made by a module that the first view can do without. */
export const bringVault = () => import("./vault.js");

/** Read which wallets this browser keeps. */
export async function begin() {
  kept.value = await store.wallets();
  const chosen = localStorage.getItem(CURRENT);
  current.value = kept.value.find((wallet) => wallet.id === chosen) ?? kept.value[0] ?? null;
}

/** Ask the gateway who it is. */
export async function refreshCondominium() {
  condominium.value = await reached(ask("/v1/condominium"));
  localStorage.setItem(CONDOMINIUM, JSON.stringify(condominium.value));
  trustedRoot();
}

/**
 * The root certificate that this browser met first: what receipts are verified against. A gateway that shows
 * another one later does not change it.
 */
export function trustedRoot() {
  const { root_certificate: shown, code } = condominium.value;
  const kept = localStorage.getItem(`${ROOT}-${code}`);
  if (kept === null) localStorage.setItem(`${ROOT}-${code}`, shown);
  return kept ?? shown;
}

/** @param {string} id */
export function use(id) {
  localStorage.setItem(CURRENT, id);
  current.value = kept.value.find((wallet) => wallet.id === id) ?? null;
  key.value = null;
  account.value = null;
}

/**
 * Keep a seed as a wallet, in use and unlocked.
 * @param {Uint8Array} seed @param {string} name @param {object} lock
 */
export async function adopt(seed, name, lock) {
  const vault = await bringVault();
  const id = await vault.publicKey(seed);
  await store.put(store.WALLETS, { id, name, lock, created: Date.now() });
  kept.value = await store.wallets();
  use(id);
  key.value = await vault.signingKey(seed);
}

/** @param {string} [passphrase] */
export async function unlock(passphrase) {
  const vault = await bringVault();
  const seed = await vault.unlock(current.value.lock, passphrase);
  key.value = await vault.signingKey(seed);
  seed.fill(0);
}

export function lock() {
  key.value = null;
  account.value = null;
}

export async function refreshAccount() {
  account.value = await signed("GET", `/v1/wallets/${current.value.id}`);
}

export async function refreshUnits() {
  const answer = await reached(ask("/v1/units"));
  units.value = [...(answer.rows ?? answer)].sort((a, b) => a.unit - b.unit);
}

/** Ask as the wallet. @param {string} method @param {string} path @param {object} [body] */
export async function signed(method, path, body) {
  const text = body === undefined ? "" : JSON.stringify(body);
  const signer = { wallet: current.value.id, key: key.value, network: condominium.value.network };
  const { signedHeaders } = await import("./query.js");
  const headers = await signedHeaders(signer, method, path, text);
  if (text) headers["Content-Type"] = "application/json";
  return reached(ask(path, { method, headers, body: text || undefined }));
}

/** A page of this wallet's sessions, newest first. @param {string} [bookmark] */
export function sessions(bookmark = "") {
  return signed("GET", `/v1/wallets/${current.value.id}/sessions${bookmark && `?bookmark=${bookmark}`}`);
}

/** Note whether a question reached the gateway. @template T @param {Promise<T>} promise */
export async function reached(promise) {
  try {
    const answer = await promise;
    online.value = true;
    return answer;
  } catch (error) {
    online.value = !(error instanceof Unreachable);
    throw error;
  }
}
