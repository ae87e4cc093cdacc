"""Blocks of a Fabric channel.

A header (number, hash of the header before, hash of the data) is what orderers sign. The data's hash is
flat: SHA-256 over all envelopes, one after the other without their lengths. So each envelope must be encoded
as Fabric encodes it, else the same bytes could be cut in other places (Fabric asks the same:
`protoutil.VerifyTransactionsAreWellFormed`). The validation codes are in the metadata, which peers write and
nobody signs.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from chaincode.signing.fabric.wire import Message, encode_octets
from chaincode.signing.octets import MalformedError

SIGNATURES, VALIDATIONS = 0, 2
"""Places in a block's metadata (`common.BlockMetadataIndex`)."""
HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class FabricBlock:
    """One block, its data's hash checked."""

    number: int
    previous_hash: bytes
    data_hash: bytes
    envelopes: tuple[bytes, ...]
    validations: bytes
    """A code for each envelope (`peer.TxValidationCode`), as the peer that handed the block out has it."""
    signatures: bytes
    """`common.Metadata` with the orderers' signatures."""

    @property
    def header(self) -> bytes:
        """The header as orderers sign it."""
        return encode_header(self.number, self.previous_hash, self.data_hash)

    @property
    def hash(self) -> bytes:
        """What the next block names."""
        return sha256(self.header).digest()


def encode_header(number: int, previous_hash: bytes, data_hash: bytes) -> bytes:
    """The DER of SEQUENCE { number, previous hash, data hash } (`protoutil.BlockHeaderBytes` of Fabric)."""
    content = b"".join(
        (
            _der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big")),
            _der(0x04, previous_hash),
            _der(0x04, data_hash),
        )
    )
    return _der(0x30, content)


def decode_block(encoded: bytes) -> FabricBlock:
    """Read a `common.Block`. Raises MalformedError where it is none or its hash does not fit its data."""
    message = Message(encoded)
    header = message.message(1)
    envelopes = tuple(message.message(2).several(1))
    metadata = message.message(3).several(1)
    if len(metadata) <= VALIDATIONS or len(metadata[VALIDATIONS]) != len(envelopes):
        raise MalformedError("has no validation code for each of its transactions")
    block = FabricBlock(
        header.integer(1),
        header.octets(2),
        header.octets(3),
        envelopes,
        metadata[VALIDATIONS],
        metadata[SIGNATURES],
    )
    if sha256(b"".join(envelopes)).digest() != block.data_hash:
        raise MalformedError("has a data hash that does not fit its transactions")
    for envelope in envelopes:
        _check_form(envelope)
    return block


def _check_form(envelope: bytes) -> None:
    parts = Message(envelope)
    payload, signature = parts.octets(1), parts.octets(2)
    expected = encode_octets(1, payload) + (encode_octets(2, signature) if signature else b"")
    if not payload or envelope != expected:
        raise MalformedError("holds an envelope that is not encoded as Fabric encodes it")


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content
