// What the wallet wishes of the ledger: put into words, signed once, handed over.

import { fetchBytes } from "../shared/api.js";
import { hex, sha256 } from "../shared/bytes.js";
import { t } from "../shared/i18n.js";
import { Told } from "../shared/parts.js";
import { VALIDITY, intentBody } from "./intent.js";
import * as outbox from "./outbox.js";
import * as state from "./state.js";

/**
 * A tariff with the hash of its record: what is shown is what gets signed, whatever the gateway said before.
 * @param {number} number
 */
export async function readTariff(number) {
  const record = await state.reached(fetchBytes(`/v1/tariffs/${number}`));
  return { ...JSON.parse(new TextDecoder().decode(record)), hash: hex(await sha256(record)) };
}

/** The body of an intent of this wallet, to be shown before it is signed. @param {string} kind @param {object} fields */
export function draft(kind, fields) {
  const expires = Math.floor(Date.now() / 1000) + VALIDITY;
  const common = { network: state.condominium.value.network, wallet: state.current.value.id, expires };
  return intentBody(kind, common, fields);
}

/** This wallet has a session at that unit already: another tab was quicker. */
export class AlreadyRunning extends Told {
  /** @param {string} session */
  constructor(session) {
    super(t("sign.already"));
    this.session = session;
  }
}

/**
 * Sign exactly `body`, once however many tabs ask, and hand it to the gateway.
 * @param {string} body
 */
export async function submit(body) {
  const intent = JSON.parse(body);
  const allowed = async () => {
    if (intent.kind !== "open") return;
    const running = (await state.sessions()).rows.find((each) => each.unit === intent.unit && state.RUNNING.has(each.state));
    if (running) throw new AlreadyRunning(running.session);
  };
  return state.reached(outbox.submit(state.key.value, body, allowed));
}

/** Go on sending what was signed and not answered, and look anew where another tab has sent something. */
export function attend() {
  outbox.onNews(async ({ wallet }) => {
    if (wallet === state.current.value?.id && state.key.value) await state.refreshAccount();
  });
  outbox.keepSending(() => state.current.value?.id);
}
