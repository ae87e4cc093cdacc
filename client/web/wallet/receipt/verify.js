// A receipt, verified on the phone itself against the condominium's root certificate alone.
//
// What is checked: a ledger certified by the root signed blocks which hold every transaction of the session; the
// intent carries the wallet's signature; each reading carries its unit's (or the gateway's attestation); and the
// bill is what tariff and readings come to. `condocharge receipt --verify` runs the ledger's rules themselves.

import { blake2b } from "@noble/hashes/blake2.js";

import { fromHex, hex, sha256 } from "../../shared/bytes.js";
import { ATTESTATION, BATCH, INTENT, verifies } from "../../shared/domain.js";
import { Malformed, Reader } from "./octets.js";
import { Unproven, verifyProof } from "./proof.js";
import { addSegment, cost } from "./tariff.js";

const KIND = "condocharge-receipt";
const HEADER_BYTES = 88;
const SIGNATURE_BYTES = 64;
const MAC_BYTES = 16;
const ENDED = new Set(["settled", "cancelled", "reclaimed"]);
/** How many of a step's arguments come before its evidence. */
const BEFORE_EVIDENCE = { "session.start": 1, "session.checkpoint": 1, "session.settle": 2 };

/**
 * What the receipt proves: `{session, tariff, condominium, readings}`. Throws Unproven, naming the link that fails.
 * @param {Uint8Array} file @param {string} root PEM
 */
export async function verifyReceipt(file, root) {
  try {
    const receipt = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(file));
    if (receipt.version !== 1 || receipt.kind !== KIND) throw new Unproven("form");
    const proven = [];
    for (const proof of receipt.proofs) proven.push(await verifyProof(proof, root, receipt.network));
    return await check(receipt, proven);
  } catch (error) {
    if (error instanceof Unproven) throw error;
    // Anything else is a file of another form: cut off, mistyped, or never a receipt.
    if (error instanceof Malformed || error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError || error.name === "InvalidCharacterError" || error.name === "DataError") {
      throw new Unproven("form");
    }
    throw error;
  }
}

async function check(receipt, proven) {
  const key = `\0session\0${receipt.session}\0`;
  const own = proven.filter(({ sets }) => sets.some(({ writes }) => writes.some((write) => write.key === key)));
  if (!own.length) throw new Unproven("missing");
  const { namespace } = own[0].proposal;
  const value = (version, name) => written(proven.find((each) => each.version === version), namespace, name);
  let previous = 0xffff_ffff_ffff_ffffn;
  for (const step of own) {
    if (readVersion(step, namespace, key) !== previous) throw new Unproven("missing");
    previous = step.version;
  }
  const session = record(written(own.at(-1), namespace, key));
  if (session.id !== receipt.session || !ENDED.has(session.state)) throw new Unproven("missing");
  const tariffKey = `\0tariff\0${String(session.tariff).padStart(8, "0")}\0`;
  const tariffBytes = value(readVersion(own[0], namespace, tariffKey), tariffKey);
  if (hex(await sha256(tariffBytes)) !== session.tariff_hash) throw new Unproven("tariff");
  const tariff = record(tariffBytes);
  const condominium = record(value(readVersion(own[0], namespace, "\0condominium\0"), "\0condominium\0"));
  await checkOpening(own[0], session);
  const readings = await checkReadings(own, session);
  checkBill(session, tariff, readings);
  return { session, tariff, condominium, readings };
}

async function checkOpening({ proposal }, session) {
  if (proposal.function === "session.open") {
    const [body, signature] = proposal.arguments;
    const intent = JSON.parse(new TextDecoder().decode(body));
    if (hex(await sha256(body)) !== session.id || intent.wallet !== session.wallet || intent.amount !== session.amount) {
      throw new Unproven("intent");
    }
    if (!(await verifies(fromHex(session.wallet_key), INTENT, body, signature))) throw new Unproven("intent");
  } else if (proposal.function !== "session.open_under_mandate" || session.mandate === null) {
    throw new Unproven("intent");
  }
}

/** The readings that the session's transactions carried, each with a signature of one of the meter's keys. */
async function checkReadings(own, session) {
  const keys = session.meter_keys.map(fromHex);
  const readings = [];
  for (const { proposal } of own) {
    const skipped = BEFORE_EVIDENCE[proposal.function];
    if (skipped === undefined) continue;
    for (const message of proposal.arguments.slice(skipped)) {
      const reading = await readingOf(message, session, keys);
      if (reading.hash !== readings.at(-1)?.hash) readings.push(reading);
    }
  }
  return readings;
}

async function readingOf(message, session, keys) {
  const length = HEADER_BYTES + 4 * message[84];
  const attested = session.metering === "attested";
  const signed = message.slice(0, attested ? length + MAC_BYTES : length);
  const signature = message.slice(signed.length);
  const line = attested ? ATTESTATION : BATCH;
  let good = false;
  for (const key of keys) good ||= signature.length === SIGNATURE_BYTES && (await verifies(key, line, signed, signature));
  if (!good) throw new Unproven("reading");
  const reader = new Reader(message);
  reader.take(1);
  const flags = reader.u8();
  reader.take(10);
  const [boot, number, time, register] = [reader.u32(), reader.u32(), reader.u32(), Number(reader.u64())];
  if (hex(reader.take(16)) !== session.id.slice(0, 32)) throw new Unproven("reading");
  const whole = attested ? signed : message;
  return { boot, number, time, register, flags, hash: hex(blake2b(whole, { dkLen: 32 })) };
}

function checkBill(session, tariff, readings) {
  let usage = [];
  readings.slice(1).forEach((reading, index) => {
    usage = addSegment(usage, tariff, readings[index], reading, session.energy_limit);
  });
  if (JSON.stringify(session.usage) !== JSON.stringify(usage.map(({ band, energy, idle }) => ({ band, energy, idle })))) {
    throw new Unproven("bill");
  }
  if (session.state === "cancelled") return;
  const due = cost(tariff, usage, session.decimals, session.amount);
  const { cost: paid, refund, energy } = session.settlement;
  const delivered = readings.length ? readings.at(-1).register - readings[0].register : 0;
  if (paid !== due || refund !== session.amount - due || energy !== delivered) throw new Unproven("bill");
}

function readVersion({ sets }, namespace, key) {
  return sets.find((set) => set.namespace === namespace)?.reads.find((read) => read.key === key)?.version;
}

function written(transaction, namespace, key) {
  const value = transaction?.sets.find((set) => set.namespace === namespace)?.writes.find((write) => write.key === key)?.value;
  if (!value) throw new Unproven("missing");
  return value;
}

function record(value) {
  return JSON.parse(new TextDecoder().decode(value));
}
