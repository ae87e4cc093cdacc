// What the console's pages look at: who is logged in, and the condominium.

import { signal } from "@preact/signals";

import { Refused, ask, post } from "../shared/api.js";
import { t } from "../shared/i18n.js";
import { Told } from "../shared/parts.js";

/** The account that is logged in, or null; undefined until the gateway was asked. */
export const account = signal(undefined);
export const condominium = signal(null);
let csrf = "";

/** Read the condominium's record again. */
export async function refreshCondominium() {
  condominium.value = await ask("/v1/condominium");
}

/** Ask who is logged in. */
export async function begin() {
  await refreshCondominium();
  try {
    const own = await ask("/v1/account");
    enter(own);
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error;
    account.value = null;
  }
}

/** @param {string} username @param {string} password */
export async function logIn(username, password) {
  try {
    enter(await post("/v1/login", { username, password, cookie: true }));
  } catch (error) {
    if (error instanceof Refused && error.code === "not-authenticated") throw new Told(t("account.wrong"));
    throw error;
  }
}

export async function logOut() {
  await change("POST", "/v1/logout");
  account.value = null;
}

/**
 * Change something as the account that is logged in. A session that has ended shows the entrance again.
 * @param {string} method @param {string} path @param {object} [body]
 */
export async function change(method, path, body) {
  const headers = { "X-CSRF-Token": csrf };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return watched(ask(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }));
}

/** Read something as the account that is logged in. @param {string} path */
export function read(path) {
  return watched(ask(path));
}

async function watched(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Refused && error.status === 401) account.value = null;
    throw error;
  }
}

function enter(answer) {
  csrf = answer.csrf ?? "";
  account.value = answer.account;
}
