// Domain separation: a signature is over its kind's ASCII line and the exact bytes that travel
// (docs/protocol.md, "Rules common to all").

import { concat, utf8 } from "./bytes.js";

export const INTENT = utf8("condocharge/intent/1\n");
export const QUERY = utf8("condocharge/query/1\n");
export const BATCH = utf8("condocharge/batch/1\n");
export const ATTESTATION = utf8("condocharge/attestation/1\n");
export const BLOCK = utf8("condocharge/block/1\n");

/** The Ed25519 signature (RFC 8032). @param {CryptoKey} key @param {Uint8Array} line @param {Uint8Array} message */
export async function sign(key, line, message) {
  return new Uint8Array(await crypto.subtle.sign("Ed25519", key, concat(line, message)));
}

/**
 * Whether `signature` is that of the Ed25519 public key `key`, 32 bytes.
 * @param {Uint8Array} key @param {Uint8Array} line @param {Uint8Array} message @param {Uint8Array} signature
 */
export async function verifies(key, line, message, signature) {
  const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", imported, signature, concat(line, message));
}
