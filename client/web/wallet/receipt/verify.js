// A receipt, verified on the phone itself against the condominium's root certificate alone.
//
// What is checked: a ledger or peer certified by the root signed blocks which hold every transaction of the session; the
// intent carries the wallet's signature and names tariff, unit and limits as they were settled; each reading carries
// the enrolled unit's signature (or the condominium's attestation); and the bill is what tariff and readings come to. `condocharge receipt --verify` runs the ledger's rules themselves.

import { blake2b } from "@noble/hashes/blake2.js";

import { fromHex, hex, sha256 } from "../../shared/bytes.js";
import { ATTESTATION, BATCH, INTENT, verifies } from "../../shared/domain.js";
import { verifyBlocks } from "./fabric.js";
import { Malformed, Reader } from "./octets.js";
import { Unproven, verifyProof } from "./proof.js";
import { addSegment, cost } from "./settlement.js";

const KIND = "condocharge-receipt";
const FABRIC = "fabric";
/** The version of a key that was never written. */
const ABSENT = 0xffff_ffff_ffff_ffffn;
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
    return await check(receipt, await prove(receipt, root));
  } catch (error) {
    if (error instanceof Unproven) throw error;
    // Anything else is a file of another form: cut off, mistyped, or never a receipt.
    if (error instanceof Malformed || error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError || error.name === "InvalidCharacterError" || error.name === "DataError") {
      throw new Unproven("form");
    }
    throw error;
  }
}

/** The receipt's transactions, in the form that its ledger gives proofs. */
async function prove(receipt, root) {
  if (receipt.ledger === FABRIC) return verifyBlocks(receipt, root);
  const proven = [];
  for (const proof of receipt.proofs) proven.push(await verifyProof(proof, root, receipt.network));
  return proven;
}

async function check(receipt, proven) {
  const key = `\0session\0${receipt.session}\0`;
  const own = proven.filter(({ sets }) => sets.some(({ writes }) => writes.some((write) => write.key === key)));
  if (!own.length) throw new Unproven("missing");
  const { namespace } = own[0].proposal;
  const value = (version, name, space = namespace) =>
    written(proven.find((each) => each.version === version), space, name);
  let previous = ABSENT;
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
  if (session.mandate !== null) throw new Unproven("mandate");
  checkWallet(own[0], session, value);
  await checkOpening(own[0], session, condominium);
  checkMeter(own, session, value);
  const readings = await checkReadings(own, session);
  checkBill(session, tariff, readings);
  return { session, tariff, condominium, readings };
}

/** The key that signed is the wallet's own, or one that a proven rotation put in its place. */
function checkWallet(opening, session, value) {
  const issuer = `condocharge-${session.issuer}`;
  const key = `\0wallet\0${session.wallet}\0`;
  const version = readVersion(opening, issuer, key);
  const signs = version === ABSENT ? session.wallet : record(value(version, key, issuer)).key;
  if (session.wallet_key !== signs) throw new Unproven("intent");
}

/** The wallet signed this very session: what it is for, at which prices and where. */
async function checkOpening({ proposal }, session, condominium) {
  if (proposal.function !== "session.open") throw new Unproven("intent");
  const [body, signature] = proposal.arguments;
  const intent = JSON.parse(new TextDecoder().decode(body));
  const agreed =
    hex(await sha256(body)) === session.id &&
    intent.kind === "open" &&
    intent.network === proposal.channel &&
    intent.condominium === condominium.code &&
    intent.tariff_hash === session.tariff_hash &&
    intent.duration === session.deadline - session.opened_at &&
    (intent.energy ?? null) === (session.energy_limit === null ? null : session.energy_limit / 1000) &&
    ["wallet", "issuer", "unit", "tariff", "amount"].every((name) => intent[name] === session[name]);
  if (!agreed) throw new Unproven("intent");
  if (!(await verifies(fromHex(session.wallet_key), INTENT, body, signature))) throw new Unproven("intent");
}

/** The keys of the meter are those of the enrolled unit, or for class mac the condominium's that attested. */
function checkMeter(own, session, value) {
  const { namespace } = own[0].proposal;
  const read = (step, key) => record(value(readVersion(step, namespace, key), key));
  const unit = read(own[0], `\0unit\0${String(session.unit).padStart(5, "0")}\0`);
  if (unit.key !== session.unit_key || unit.key_class !== session.unit_class) throw new Unproven("reading");
  const attested = unit.key_class === "mac";
  if (session.metering !== null && (session.metering === "attested") !== attested) throw new Unproven("reading");
  const known = attested ? own.map((step) => read(step, "\0condominium\0").signing_key) : [unit.key];
  if (!session.meter_keys.every((key) => known.includes(key))) throw new Unproven("reading");
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
