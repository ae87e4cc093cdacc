// Inclusion proofs: that a ledger certified by the condominium's root signed a block which holds a transaction
// (chaincode/signing/block.py; the tree is RFC 6962's).

import { concat, sha256 } from "../../shared/bytes.js";
import { BLOCK } from "../../shared/domain.js";
import { certified, parseCertificate, signedBy } from "./certificate.js";
import { Malformed, Reader } from "./octets.js";
import { decodeTransaction } from "./transaction.js";

const FORMAT = 1;
const BLOCK_SHIFT = 65_536n;
const VALID = 0;

/** A link of a receipt that does not hold; `link` names the sentence that says so. */
export class Unproven extends Error {
  /** @param {string} link */
  constructor(link) {
    super(link);
    this.link = link;
  }
}

/**
 * A proof's transaction, with the version that read sets know it by. Throws Unproven.
 * @param {object} proof @param {string} root PEM @param {string} channel
 */
export async function verifyProof(proof, root, channel) {
  const header = octets(proof.header);
  const ledger = parseCertificate(proof.certificate);
  if (ledger.role !== "ledger" || !(await certified(ledger, parseCertificate(root)))) throw new Unproven("certificate");
  if (!(await signedBy(ledger, concat(BLOCK, header), octets(proof.signature)))) throw new Unproven("block");
  const { channel: named, number, data, size } = decodeHeader(header);
  const body = octets(proof.transaction);
  const leaf = await sha256(concat(Uint8Array.of(0), body));
  const found = await rootFrom(leaf, proof.index, size, proof.path.map(octets));
  if (!found || !same(found, data)) throw new Unproven("block");
  const transaction = decodeTransaction(body);
  const { timestamp } = transaction.proposal;
  if (named !== channel || transaction.proposal.channel !== channel) throw new Unproven("network");
  if (transaction.validation !== VALID) throw new Unproven("invalid");
  if (timestamp < ledger.notBefore || timestamp > ledger.notAfter) throw new Unproven("certificate");
  return { ...transaction, version: number * BLOCK_SHIFT + BigInt(proof.index) };
}

function decodeHeader(bytes) {
  const reader = new Reader(bytes);
  if (reader.u8() !== FORMAT) throw new Malformed("a header of another version");
  const header = { channel: reader.text(), number: reader.u64() };
  reader.take(32);
  Object.assign(header, { data: reader.take(32), size: reader.u32() });
  reader.done();
  return header;
}

/** The root that a path leads to (RFC 9162, section 2.1.3.2), or null where it does not fit the tree. */
async function rootFrom(leaf, index, size, path) {
  if (!(Number.isInteger(index) && index >= 0 && index < size)) return null;
  let [node, at, last, used] = [leaf, index, size - 1, 0];
  for (; last > 0; at >>= 1, last >>= 1) {
    if (at % 2 === 0 && at === last) continue;
    const sibling = path[used++];
    if (sibling?.length !== 32) return null;
    node = await sha256(concat(Uint8Array.of(1), ...(at % 2 ? [sibling, node] : [node, sibling])));
  }
  return used === path.length ? node : null;
}

function octets(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

function same(a, b) {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
