// What the wallet's pages look at: the condominium, the wallet in use, its balance and the units.

import { signal } from "@preact/signals";

import { Unreachable, ask, fetchBytes, signedHeaders } from "../shared/api.js";
import { hex, sha256 } from "../shared/bytes.js";
import { t } from "../shared/i18n.js";
import { Told } from "../shared/parts.js";
import { VALIDITY, intentBody } from "./intent.js";
import * as outbox from "./outbox.js";
import * as vault from "./vault.js";

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

/** Read what is kept here, then ask the gateway who it is. */
export async function begin() {
  kept.value = await vault.wallets();
  const chosen = localStorage.getItem(CURRENT);
  current.value = kept.value.find((wallet) => wallet.id === chosen) ?? kept.value[0] ?? null;
  outbox.onNews(async ({ wallet }) => {
    if (wallet === current.value?.id && key.value) await refreshAccount();
  });
  outbox.keepSending(() => current.value?.id);
  await refreshCondominium();
}

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

/**
 * A tariff with the hash of its record: what is shown is what gets signed, whatever the gateway said before.
 * @param {number} number
 */
export async function readTariff(number) {
  const record = await reached(fetchBytes(`/v1/tariffs/${number}`));
  return { ...JSON.parse(new TextDecoder().decode(record)), hash: hex(await sha256(record)) };
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
  const id = await vault.publicKey(seed);
  await vault.keep({ id, name, lock, created: Date.now() });
  kept.value = await vault.wallets();
  use(id);
  key.value = await vault.signingKey(seed);
}

/** @param {string} [passphrase] */
export async function unlock(passphrase) {
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
  const headers = await signedHeaders(signer, method, path, text);
  if (text) headers["Content-Type"] = "application/json";
  return reached(ask(path, { method, headers, body: text || undefined }));
}

/** The body of an intent of this wallet, to be shown before it is signed. @param {string} kind @param {object} fields */
export function draft(kind, fields) {
  const expires = Math.floor(Date.now() / 1000) + VALIDITY;
  const common = { network: condominium.value.network, wallet: current.value.id, expires };
  return intentBody(kind, common, fields);
}

/**
 * Sign exactly `body`, once however many tabs ask, and hand it to the gateway.
 * @param {string} body
 */
export async function submit(body) {
  const intent = JSON.parse(body);
  const allowed = async () => {
    if (intent.kind !== "open") return;
    const running = (await sessions()).rows.find((each) => each.unit === intent.unit && RUNNING.has(each.state));
    if (running) throw new AlreadyRunning(running.session);
  };
  return reached(outbox.submit(key.value, body, allowed));
}

/** This wallet has a session at that unit already: another tab was quicker. */
export class AlreadyRunning extends Told {
  /** @param {string} session */
  constructor(session) {
    super(t("sign.already"));
    this.session = session;
  }
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
