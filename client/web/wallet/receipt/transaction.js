// Transactions of the ledger as its blocks hold them (the table is in chaincode/signing/transaction.py).

import { Malformed, Reader } from "./octets.js";

const FORMAT = 1;

/** @param {Uint8Array} body */
export function decodeTransaction(body) {
  const reader = new Reader(body);
  checkFormat(reader);
  const proposal = decodeProposal(reader.octets());
  reader.octets(); // the creator's signature: the block's signer checked it, and vouches for the block
  const validation = reader.u8();
  reader.octets(); // the result, which the writes repeat
  if (flag(reader)) {
    reader.text();
    reader.octets();
  }
  const sets = reader.list(() => decodeSet(reader));
  reader.done();
  return { proposal, validation, sets };
}

function decodeProposal(payload) {
  const reader = new Reader(payload);
  checkFormat(reader);
  const proposal = { channel: reader.text(), timestamp: Number(reader.u64()) };
  reader.octets();
  reader.octets();
  Object.assign(proposal, {
    namespace: reader.text(),
    function: reader.text(),
    arguments: reader.list(() => reader.octets()),
  });
  reader.done();
  return proposal;
}

function decodeSet(reader) {
  const namespace = reader.text();
  const [reads, ranges, writes] = [reader.u32(), reader.u32(), reader.u32()];
  const read = () => ({ key: reader.text(), version: reader.u64() });
  return {
    namespace,
    reads: Array.from({ length: reads }, read),
    ranges: Array.from({ length: ranges }, () => ({ start: reader.text(), end: reader.text(), reads: reader.list(read) })),
    writes: Array.from({ length: writes }, () => {
      const key = reader.text();
      reader.u64();
      return { key, value: flag(reader) ? reader.octets() : null };
    }),
  };
}

function flag(reader) {
  const value = reader.u8();
  if (value > 1) throw new Malformed("a flag is neither 0 nor 1");
  return value === 1;
}

function checkFormat(reader) {
  if (reader.u8() !== FORMAT) throw new Malformed("of another version");
}
