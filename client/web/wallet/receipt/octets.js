// The ledger's canonical encoding: little-endian integers, and bytes after their u32 length.

/** Bytes that are not the encoding of what was expected. */
export class Malformed extends Error {}

/** Takes one primitive after the other. Throws Malformed where the bytes end. */
export class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = 0;
  }

  /** @param {number} count */
  take(count) {
    if (this.offset + count > this.bytes.length) throw new Malformed("cut off");
    this.offset += count;
    return this.bytes.subarray(this.offset - count, this.offset);
  }

  u8() {
    return this.take(1)[0];
  }

  u16() {
    this.take(2);
    return this.view.getUint16(this.offset - 2, true);
  }

  u32() {
    this.take(4);
    return this.view.getUint32(this.offset - 4, true);
  }

  u64() {
    this.take(8);
    return this.view.getBigUint64(this.offset - 8, true);
  }

  octets() {
    return this.take(this.u32());
  }

  text() {
    return new TextDecoder("utf-8", { fatal: true }).decode(this.octets());
  }

  /** @template T @param {() => T} read */
  list(read) {
    return Array.from({ length: this.u32() }, read);
  }

  done() {
    if (this.offset !== this.bytes.length) throw new Malformed("goes on after its end");
  }
}
