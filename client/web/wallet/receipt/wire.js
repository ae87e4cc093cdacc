// Protocol Buffers' wire format, as far as Fabric's messages use it (chaincode/signing/fabric/wire.py): a field that
// should stand once and stands twice is refused, so that no two readers see different things in the same signed bytes.

import { concat } from "../../shared/bytes.js";
import { Malformed } from "./octets.js";

const [VARINT, I64, LENGTH, I32] = [0, 1, 2, 5];
const FIXED = { [I64]: 8, [I32]: 4 };
const LONGEST_VARINT = 10;

/** A message's fields by number; one that is not there has Protocol Buffers' default. */
export class Message {
  #fields = new Map();

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    const reader = new Cursor(bytes);
    while (!reader.ended) {
      const tag = Number(reader.varint());
      const [number, kind] = [Math.floor(tag / 8), tag & 7];
      let value;
      if (kind === VARINT) value = reader.varint();
      else if (kind === LENGTH) value = reader.take(Number(reader.varint()));
      else if (kind in FIXED) value = reader.take(FIXED[kind]);
      else throw new Malformed("a field of another wire type");
      this.#fields.set(number, [...(this.#fields.get(number) ?? []), value]);
    }
  }

  has(number) {
    return this.#fields.has(number);
  }

  /** @returns {Uint8Array} */
  octets(number) {
    const value = this.#single(number) ?? new Uint8Array();
    if (typeof value === "bigint") throw new Malformed("a number where bytes are meant");
    return value;
  }

  /** @returns {Uint8Array[]} */
  several(number) {
    const values = this.#fields.get(number) ?? [];
    if (values.some((value) => typeof value === "bigint")) throw new Malformed("a number where bytes are meant");
    return values;
  }

  text(number) {
    return new TextDecoder("utf-8", { fatal: true }).decode(this.octets(number));
  }

  /** @returns {bigint} */
  integer(number) {
    const value = this.#single(number) ?? 0n;
    if (typeof value !== "bigint") throw new Malformed("bytes where a number is meant");
    return value;
  }

  message(number) {
    return new Message(this.octets(number));
  }

  messages(number) {
    return this.several(number).map((value) => new Message(value));
  }

  #single(number) {
    const values = this.#fields.get(number);
    if (values?.length > 1) throw new Malformed("a field stands twice");
    return values?.[0];
  }
}

/** A field of bytes. */
export function encodeOctets(number, value) {
  return concat(encodeVarint(number * 8 + LENGTH), encodeVarint(value.length), value);
}

function encodeVarint(value) {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) + 0x80);
  return Uint8Array.of(...bytes, value);
}

class Cursor {
  #at = 0;
  #bytes;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  get ended() {
    return this.#at >= this.#bytes.length;
  }

  take(length) {
    const end = this.#at + length;
    if (!(end <= this.#bytes.length)) throw new Malformed("cut off");
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return value;
  }

  varint() {
    let value = 0n;
    for (let place = 0; place < LONGEST_VARINT; place += 1) {
      const [octet] = this.take(1);
      value |= BigInt(octet & 0x7f) << BigInt(7 * place);
      if (octet < 0x80 && value < 1n << 64n) return value;
      if (octet < 0x80) break;
    }
    throw new Malformed("a number of more than 64 bits");
  }
}
