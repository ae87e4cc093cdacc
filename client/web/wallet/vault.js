// The vault: wallets' keys, sealed to be kept and unlocked for use.
//
// A key is made by WebCrypto. At rest its seed is encrypted with AES-256-GCM under a key that comes from a
// passkey (WebAuthn's PRF extension) or from a passphrase (Argon2id, RFC 9106, with OWASP's least parameters).
// In use it is a CryptoKey that cannot be extracted; it lives in memory alone and goes with the page.

import { base64url, concat, fromBase64url, hex, random, utf8 } from "../shared/bytes.js";

const ARGON2 = { m: 19_456, t: 2, p: 1, dkLen: 32 };
// PKCS #8 of an Ed25519 key is this prefix and the 32-byte seed (RFC 8410, section 7).
const PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);
const SEED_BYTES = 32;

/** The passphrase or passkey is not the one that locked the wallet. */
export class WrongSecret extends Error {}

/** No passkey here can encrypt: the authenticator lacks the PRF extension. */
export class PasskeyUnsupported extends Error {}

/** A new key's seed. */
export async function newSeed() {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  return pkcs8.slice(-SEED_BYTES);
}

/** A seed's key, which signs and cannot be extracted. @param {Uint8Array} seed */
export function signingKey(seed) {
  return crypto.subtle.importKey("pkcs8", concat(PKCS8, seed), "Ed25519", false, ["sign"]);
}

/** A seed's public key, hexadecimal: the id of the wallet that it founds. @param {Uint8Array} seed */
export async function publicKey(seed) {
  const key = await crypto.subtle.importKey("pkcs8", concat(PKCS8, seed), "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  return hex(fromBase64url(x));
}

/**
 * Lock `seed` under a passphrase: what is stored.
 * @param {Uint8Array} seed @param {string} passphrase
 */
export async function lockWithPassphrase(seed, passphrase) {
  const salt = random(16);
  return { method: "passphrase", salt: base64url(salt), ...(await seal(seed, await stretch(passphrase, salt))) };
}

/** Lock `seed` under a new passkey. Throws PasskeyUnsupported. @param {Uint8Array} seed @param {string} name */
export async function lockWithPasskey(seed, name) {
  const salt = random(32);
  const created = await navigator.credentials.create({
    publicKey: {
      challenge: random(32),
      rp: { name: "Condocharge" },
      user: { id: random(16), name, displayName: name },
      pubKeyCredParams: [{ type: "public-key", alg: -8 }, { type: "public-key", alg: -7 }],
      authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
      extensions: { prf: { eval: { first: salt } } },
    },
  });
  if (!created?.getClientExtensionResults().prf?.enabled) throw new PasskeyUnsupported();
  const credential = base64url(new Uint8Array(created.rawId));
  const lock = { method: "passkey", salt: base64url(salt), credential };
  return { ...lock, ...(await seal(seed, await passkeySecret(lock))) };
}

/**
 * The seed that `lock` holds. Throws WrongSecret.
 * @param {{method: string, salt: string, nonce: string, sealed: string, credential?: string}} lock
 * @param {string} [passphrase]
 */
export async function unlock(lock, passphrase = "") {
  const secret =
    lock.method === "passkey" ? await passkeySecret(lock) : await stretch(passphrase, fromBase64url(lock.salt));
  const key = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["decrypt"]);
  try {
    const iv = fromBase64url(lock.nonce);
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, fromBase64url(lock.sealed)));
  } catch (error) {
    if (error.name === "OperationError") throw new WrongSecret();
    throw error;
  }
}

/** Whether this browser may be able to lock with a passkey. */
export async function mayUsePasskey() {
  return Boolean(await globalThis.PublicKeyCredential?.isUserVerifyingPlatformAuthenticatorAvailable?.());
}

async function stretch(passphrase, salt) {
  // Brought when it is needed: the first view has no passphrase to stretch.
  const { argon2idAsync } = await import("@noble/hashes/argon2.js");
  return argon2idAsync(utf8(passphrase.normalize("NFKC")), salt, ARGON2);
}

async function seal(seed, secret) {
  const nonce = random(12);
  const key = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["encrypt"]);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, key, seed));
  return { nonce: base64url(nonce), sealed: base64url(sealed) };
}

async function passkeySecret(lock) {
  const asked = await navigator.credentials.get({
    publicKey: {
      challenge: random(32),
      allowCredentials: [{ type: "public-key", id: fromBase64url(lock.credential) }],
      userVerification: "required",
      extensions: { prf: { eval: { first: fromBase64url(lock.salt) } } },
    },
  });
  const secret = asked?.getClientExtensionResults().prf?.results?.first;
  if (!secret) throw new PasskeyUnsupported();
  return new Uint8Array(secret);
}
