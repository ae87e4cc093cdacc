"""Blocks are refused where their own hashes do not fit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from fabric_protos.common import common_pb2

from network.fabric.block import AlteredBlock, decode_block, header_hash


def block(*envelopes: bytes, flags: bytes | None = None) -> common_pb2.Block:
    """A block of configuration envelopes, whose hashes fit."""
    content = common_pb2.Block()
    content.header.number = 7
    content.header.previous_hash = bytes(32)
    content.header.data_hash = hashlib.sha256(b"".join(envelopes)).digest()
    content.data.data.extend(envelopes)
    codes = bytes(len(envelopes)) if flags is None else flags
    content.metadata.metadata.extend([b"", b"", codes, b"", b""])
    return content


def envelope(transaction_id: str) -> bytes:
    """An envelope of a kind that is not a chaincode's."""
    header = common_pb2.ChannelHeader(type=common_pb2.CONFIG, tx_id=transaction_id)
    payload = common_pb2.Payload(header=common_pb2.Header(channel_header=header.SerializeToString()))
    return bytes(common_pb2.Envelope(payload=payload.SerializeToString()).SerializeToString())


def test_a_block_is_read_with_its_hash() -> None:
    """Number, hashes, transactions and their validation codes; a configuration names no chaincode."""
    found = decode_block(block(envelope("one"), envelope("two"), flags=bytes((0, 11))))
    assert [(each.id, each.namespace, each.validation) for each in found.transactions] == [
        ("one", "", "VALID"),
        ("two", "", "MVCC_READ_CONFLICT"),
    ]
    assert found.hash == header_hash(7, bytes(32), found.data_hash)


@pytest.mark.parametrize(
    ("number", "start"),
    [(0, "3047020100"), (127, "304702017f"), (128, "304802020080"), (65_536, "30490203010000")],
)
def test_a_header_is_hashed_as_der(number: int, start: str) -> None:
    """SEQUENCE of INTEGER and two OCTET STRINGs: a leading zero keeps a high bit from being a sign."""
    octets = "0420" + "11" * 32
    encoded = bytes.fromhex(start + octets + octets)
    assert header_hash(number, b"\x11" * 32, b"\x11" * 32) == hashlib.sha256(encoded).digest()


def test_altered_transactions_are_noticed() -> None:
    """A transaction that is changed, dropped or added does not fit the data hash."""
    alterations: tuple[Callable[[Any], object], ...] = (
        lambda data: data.__setitem__(0, envelope("other")),
        lambda data: data.pop(),
        lambda data: data.append(envelope("more")),
    )
    for alter in alterations:
        content = block(envelope("one"), envelope("two"))
        alter(content.data.data)
        with pytest.raises(AlteredBlock, match="block 7: the data hash"):
            decode_block(content)


def test_a_code_for_each_transaction() -> None:
    """Too few or too many validation codes would move them to other transactions."""
    for flags in (b"", b"\0\0"):
        with pytest.raises(AlteredBlock, match="validation codes"):
            decode_block(block(envelope("one"), flags=flags))
