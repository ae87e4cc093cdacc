// X.509 certificates (RFC 5280), as little of them as checking a ledger's takes: who certified whom, when they
// are valid, and the role. Keys are on P-256, signatures ECDSA with SHA-256.

import { hex } from "../../shared/bytes.js";
import { Malformed } from "./octets.js";

const ROLE_EXTENSION = "2a03040506070801"; // 1.2.3.4.5.6.7.8.1
const BASIC_CONSTRAINTS = "551d13";
const ORGANISATIONAL_UNIT = "55040b";
const P256 = { name: "ECDSA", namedCurve: "P-256" };
const ECDSA = { name: "ECDSA", hash: "SHA-256" };

/** @param {string} pem */
export function parseCertificate(pem) {
  const base64 = /^-----BEGIN CERTIFICATE-----([\s\S]+)-----END CERTIFICATE-----\s*$/.exec(pem.trim())?.[1];
  if (!base64) throw new Malformed("not a PEM certificate");
  const der = Uint8Array.from(atob(base64.replace(/\s/g, "")), (c) => c.charCodeAt(0));
  const [signed, , signature] = children(element(der, 0));
  const fields = children(signed);
  const at = fields[0].tag === 0xa0 ? 1 : 0; // [0] version
  const [notBefore, notAfter] = children(fields[at + 3]).map(time);
  const extensions = fields.find((field) => field.tag === 0xa3);
  return {
    signed: signed.whole,
    signature: rawSignature(signature.content.subarray(1)),
    issuer: fields[at + 2].whole,
    subject: fields[at + 4].whole,
    units: children(fields[at + 4]).flatMap(children).filter(isUnit).map((part) => new TextDecoder().decode(children(part)[1].content)),
    notBefore,
    notAfter,
    key: fields[at + 5].whole,
    ...(extensions ? readExtensions(children(children(extensions)[0])) : { role: null, authority: false }),
  };
}

/** Whether `issuer`, a certificate authority, certified `certificate`. */
export async function certified(certificate, issuer) {
  if (!issuer.authority || !equal(certificate.issuer, issuer.subject)) return false;
  return verify(issuer.key, certificate.signature, certificate.signed);
}

/** Whether `signature` (DER) is the certificate's over `message`. */
export function signedBy(certificate, message, signature) {
  return verify(certificate.key, rawSignature(signature), message);
}

async function verify(spki, signature, message) {
  const key = await crypto.subtle.importKey("spki", spki, P256, false, ["verify"]);
  return crypto.subtle.verify(ECDSA, key, signature, message);
}

function readExtensions(list) {
  const found = { role: null, authority: false };
  for (const extension of list) {
    const parts = children(extension);
    const identifier = hex(parts[0].content);
    const value = parts.at(-1).content;
    if (identifier === ROLE_EXTENSION) {
      found.role = JSON.parse(new TextDecoder().decode(value)).attrs?.["condocharge.role"] ?? null;
    } else if (identifier === BASIC_CONSTRAINTS) {
      found.authority = children(element(value, 0))[0]?.content[0] === 0xff;
    }
  }
  return found;
}

function isUnit(attribute) {
  return hex(children(attribute)[0].content) === ORGANISATIONAL_UNIT;
}

/** One DER element (X.690, section 8.1) of `bytes` at `start`. */
function element(bytes, start) {
  let length = bytes[start + 1];
  let header = 2;
  if (length & 0x80) {
    const count = length & 0x7f;
    length = 0;
    for (let i = 0; i < count; i += 1) length = length * 256 + bytes[start + 2 + i];
    header += count;
  }
  const end = start + header + length;
  if (!(end <= bytes.length)) throw new Malformed("a certificate is cut off");
  return { tag: bytes[start], content: bytes.subarray(start + header, end), whole: bytes.subarray(start, end) };
}

function children({ content }) {
  const list = [];
  for (let at = 0; at < content.length; at += list.at(-1).whole.length) list.push(element(content, at));
  return list;
}

/** Milliseconds since 1970 of a UTCTime or GeneralizedTime (RFC 5280, section 4.1.2.5). */
function time({ tag, content }) {
  let text = new TextDecoder().decode(content);
  if (tag === 0x17) text = (Number(text.slice(0, 2)) < 50 ? "20" : "19") + text;
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!match) throw new Malformed("a certificate's time");
  const [year, month, ...rest] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, ...rest);
}

/** WebCrypto wants r and s side by side, 32 bytes each, where X.509 and the ledger write DER. */
function rawSignature(der) {
  const sequence = element(der, 0);
  const numbers = children(sequence);
  const isSignature = sequence.tag === 0x30 && sequence.whole.length === der.length && numbers.length === 2;
  if (!isSignature || numbers.some(({ tag }) => tag !== 2)) throw new Malformed("not an ECDSA signature");
  const raw = new Uint8Array(64);
  numbers.forEach(({ content }, index) => {
    const number = content.subarray(Math.max(0, content.length - 32));
    raw.set(number, index * 32 + 32 - number.length);
  });
  return raw;
}

function equal(a, b) {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
