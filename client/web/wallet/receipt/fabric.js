// Receipts of a Fabric channel: that a peer certified by the condominium's root signed blocks which hold a session's
// transactions, and found them valid (chaincode/signing/fabric/).

import { concat, sha256 } from "../../shared/bytes.js";
import { certified, parseCertificate, signedBy } from "./certificate.js";
import { Malformed } from "./octets.js";
import { Unproven } from "./proof.js";
import { Message, encodeOctets } from "./wire.js";

const [BLOCKS, BY_NUMBER] = ["qscc", "GetBlockByNumber"];
const PEER = "peer";
const LIFECYCLE = "_lifecycle";
const VALIDATIONS = 2;
const ENDORSER_TRANSACTION = 3n;
const [SUCCESS, VALID] = [200n, 0];
const BLOCK_SHIFT = 65_536n;
const ABSENT = 0xffff_ffff_ffff_ffffn;

/**
 * The receipt's transactions, each with the version that read sets know it by. Throws Unproven.
 * @param {object} receipt @param {string} root PEM
 */
export async function verifyBlocks(receipt, root) {
  const authority = parseCertificate(root);
  const blocks = new Map();
  for (const attested of receipt.blocks) {
    const block = await verifyBlock(attested, authority, receipt.network);
    blocks.set(block.number, block);
  }
  const proven = [];
  for (const [number, index] of receipt.transactions) {
    const block = blocks.get(BigInt(number));
    if (block?.validations[index] !== VALID) throw new Unproven("invalid");
    const transaction = await decodeTransaction(block.envelopes[index]);
    if (transaction.proposal.channel !== receipt.network) throw new Unproven("network");
    const version = block.number * BLOCK_SHIFT + BigInt(index);
    if (proven.length && version <= proven.at(-1).version) throw new Unproven("form");
    proven.push({ ...transaction, version });
  }
  return proven;
}

/** The block in a peer's signed answer to the question for it. */
async function verifyBlock(attested, authority, network) {
  const [proposal, response, endorsement] = ["proposal", "response", "endorsement"].map((name) => octets(attested[name]));
  const [asked, signed] = [parts(proposal), parts(endorsement)];
  const header = decodeHeader(parts(asked.octets(1)));
  const answer = new Message(response);
  if (!same(answer.octets(1), await sha256(concat(header.digest, asked.octets(2))))) throw new Unproven("block");
  const signer = parseCertificate(new TextDecoder().decode(signed.message(1).octets(2)));
  const valid = header.timestamp >= signer.notBefore && header.timestamp <= signer.notAfter;
  if (!valid || !signer.units.includes(PEER) || !(await certified(signer, authority))) throw new Unproven("certificate");
  if (!(await signedBy(signer, concat(response, signed.octets(1)), signed.octets(2)))) throw new Unproven("block");
  const outcome = answer.message(2);
  const block = await decodeBlock(outcome.message(3).octets(3));
  const { namespace, words } = invocation(asked.octets(2));
  const question = [header.channel, namespace, ...words.map((word) => new TextDecoder().decode(word))];
  const expected = [network, BLOCKS, BY_NUMBER, network, String(block.number)];
  if (question.join("\0") !== expected.join("\0")) throw new Unproven("network");
  if (outcome.message(3).integer(1) !== SUCCESS || outcome.message(4).text(2) !== BLOCKS) throw new Unproven("block");
  return block;
}

async function decodeBlock(bytes) {
  const block = new Message(bytes);
  const header = block.message(1);
  const envelopes = block.message(2).several(1);
  const validations = block.message(3).several(1)[VALIDATIONS];
  if (validations?.length !== envelopes.length) throw new Unproven("invalid");
  if (!same(await sha256(concat(...envelopes)), header.octets(3))) throw new Unproven("block");
  return { number: header.integer(1), envelopes, validations };
}

async function decodeTransaction(envelope) {
  const payload = parts(envelope).message(1);
  const header = decodeHeader(payload.message(1));
  if (header.kind !== ENDORSER_TRANSACTION) throw new Malformed("not a chaincode's transaction");
  const actions = payload.message(2).messages(1);
  if (actions.length !== 1) throw new Malformed("not one action");
  const action = actions[0].message(2);
  const response = action.message(2).message(1);
  if (!same(response.octets(1), await sha256(concat(header.digest, action.octets(1))))) throw new Unproven("block");
  const { namespace, words } = invocation(action.octets(1));
  const [name, ...rest] = words;
  const sets = response.message(2).message(1).messages(2).map(decodeSet);
  return {
    proposal: {
      channel: header.channel,
      timestamp: header.timestamp,
      namespace,
      function: new TextDecoder().decode(name),
      arguments: rest,
    },
    sets: sets.filter((set) => set.namespace !== LIFECYCLE),
  };
}

function decodeHeader(header) {
  const channel = header.message(1);
  const time = channel.message(3);
  return {
    kind: channel.integer(1),
    channel: channel.text(4),
    timestamp: Number(time.integer(1)) * 1000 + Math.floor(Number(time.integer(2)) / 1_000_000),
    digest: concat(header.octets(1), header.octets(2)),
  };
}

function invocation(proposed) {
  const spec = new Message(proposed).message(1).message(1);
  return { namespace: spec.message(2).text(2), words: spec.message(3).several(1) };
}

function decodeSet(message) {
  const content = message.message(2);
  return {
    namespace: message.text(1),
    reads: content.messages(1).map(decodeRead),
    ranges: [],
    writes: content.messages(3).map((write) => ({ key: write.text(1), value: write.integer(2) ? null : write.octets(3) })),
  };
}

function decodeRead(read) {
  const version = read.message(2);
  return { key: read.text(1), version: read.has(2) ? version.integer(1) * BLOCK_SHIFT + version.integer(2) : ABSENT };
}

/** A message that is its first two fields of bytes and nothing more: there is no room for what nobody signed. */
function parts(bytes) {
  const message = new Message(bytes);
  const signature = message.octets(2);
  const whole = concat(encodeOctets(1, message.octets(1)), signature.length ? encodeOctets(2, signature) : signature);
  if (!same(bytes, whole)) throw new Malformed("more than its parts");
  return message;
}

function octets(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

function same(a, b) {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
