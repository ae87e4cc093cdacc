// Intents: what the wallet signs (docs/protocol.md; the fields of each kind are in the ledger's rules).

import { base64url, hex, random, sha256, utf8 } from "../shared/bytes.js";
import { INTENT, sign } from "../shared/domain.js";

const VERSION = 1;
/** Seconds for which an intent is good: time to reach the gateway over a bad connection. */
export const VALIDITY = 600;

/**
 * The body of an intent as it is shown and signed: sorted members, no white space, absent ones left out.
 * @param {string} kind open, stop, reclaim, transfer, redeem, mandate, revoke or rotate-key
 * @param {{network: string, wallet: string, expires: number}} common
 * @param {Record<string, unknown>} fields
 */
export function intentBody(kind, common, fields) {
  const members = { ...common, ...fields, kind, nonce: hex(random(16)), version: VERSION };
  const sorted = Object.entries(members)
    .filter(([, value]) => value !== undefined && value !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(sorted));
}

/**
 * Sign the exact bytes of `body`. The id is SHA-256 of the body, never of the signature: some browsers
 * randomise Ed25519.
 * @param {CryptoKey} key @param {string} body
 */
export async function signIntent(key, body) {
  const bytes = utf8(body);
  return {
    id: hex(await sha256(bytes)),
    request: { body: base64url(bytes), signature: base64url(await sign(key, INTENT, bytes)) },
  };
}
