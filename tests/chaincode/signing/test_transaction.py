"""The canonical bytes of proposals and transactions."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaincode.signing.octets import MalformedError
from chaincode.signing.transaction import (
    ABSENT,
    VALIDATIONS,
    Proposal,
    RangeRecord,
    ReadRecord,
    SetRecord,
    TransactionRecord,
    WriteRecord,
    decode_proposal,
    decode_transaction,
    encode_proposal,
    encode_transaction,
)

words = st.text(max_size=12)
versions = st.integers(0, ABSENT)
reads = st.builds(ReadRecord, words, versions)
ranges = st.builds(RangeRecord, words, words, st.lists(reads, max_size=3).map(tuple))
writes = st.builds(WriteRecord, words, versions, st.none() | st.binary(min_size=1, max_size=20), st.just(0))
sets = st.builds(
    SetRecord,
    words,
    st.lists(reads, max_size=3).map(tuple),
    st.lists(ranges, max_size=2).map(tuple),
    st.lists(writes, max_size=3).map(tuple),
)
transactions = st.builds(
    TransactionRecord,
    st.binary(max_size=20),
    st.binary(max_size=20),
    st.sampled_from(sorted(VALIDATIONS)),
    st.binary(max_size=20),
    st.none() | st.tuples(words, st.binary(max_size=8)),
    st.lists(sets, max_size=3).map(tuple),
)
proposals = st.builds(
    Proposal,
    words,
    st.integers(0, (1 << 64) - 1),
    st.binary(max_size=24),
    words,
    st.binary(max_size=20),
    words,
    words,
    st.lists(st.binary(max_size=20), max_size=4).map(tuple),
)


@given(proposals)
def test_a_proposal_survives(proposal: Proposal) -> None:
    """What is written is read."""
    assert decode_proposal(encode_proposal(proposal)) == proposal


@given(transactions)
def test_a_transaction_survives_and_its_values_are_where_it_says(record: TransactionRecord) -> None:
    """What is written is read, and each offset is where the value's bytes are."""
    body, offsets = encode_transaction(record)
    read = decode_transaction(body)
    assert [each.writes for each in read.sets] == [
        tuple(write._replace(offset=offset) for write, offset in zip(each.writes, places, strict=True))
        for each, places in zip(record.sets, split(offsets, record), strict=True)
    ]
    placeless = tuple(
        each._replace(writes=tuple(write._replace(offset=0) for write in each.writes)) for each in read.sets
    )
    assert (read.payload, read.signature, read.validation) == (
        record.payload,
        record.signature,
        record.validation,
    )
    assert (read.result, read.event, placeless) == (record.result, record.event, record.sets)
    for each in read.sets:
        for write in each.writes:
            if write.value is not None:
                assert body[write.offset : write.offset + len(write.value)] == write.value


def split(offsets: list[int], record: TransactionRecord) -> list[list[int]]:
    """The offsets of each set's writes."""
    places = iter(offsets)
    return [[next(places) for _ in each.writes] for each in record.sets]


@given(transactions, st.data())
def test_cut_off_or_prolonged_bytes_are_refused(record: TransactionRecord, data: st.DataObject) -> None:
    """No beginning of a transaction is one, nor one with something after it."""
    body, _ = encode_transaction(record)
    with pytest.raises(MalformedError):
        decode_transaction(body[: data.draw(st.integers(0, len(body) - 1))])
    with pytest.raises(MalformedError, match="after its end"):
        decode_transaction(body + b"\0")


def test_unknown_versions_codes_flags_and_text_are_refused() -> None:
    """Each says what is wrong."""
    body, _ = encode_transaction(TransactionRecord(b"", b"", 0, b"", None, ()))
    cases = {
        b"\2" + body[1:]: "version 2",
        body[:9] + b"\7" + body[10:]: "validation code 7",
        body[:14] + b"\2" + body[15:]: "flag",
    }
    for altered, why in cases.items():
        with pytest.raises(MalformedError, match=why):
            decode_transaction(altered)
    proposal = encode_proposal(Proposal("ab", 0, b"", "", b"", "", "", ()))
    with pytest.raises(MalformedError, match="UTF-8"):
        decode_proposal(proposal.replace(b"ab", b"\xff\xff"))


def test_the_id_is_of_nonce_and_creator() -> None:
    """SHA-256 over both, so that two proposals of one creator differ by their nonce alone."""
    proposal = Proposal("c", 0, b"n" * 24, "m", b"pem", "ns", "f", ())
    creator = b"\1\0\0\0m" + b"\3\0\0\0pem"
    assert proposal.transaction_id == sha256(b"n" * 24 + creator).hexdigest()
