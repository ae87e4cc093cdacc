"""A chaincode's transaction in a Fabric block: what was proposed, what it read and wrote, and who says so."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from chaincode.signing.fabric.wire import Message, encode_octets
from chaincode.signing.octets import MalformedError
from chaincode.signing.transaction import (
    ABSENT,
    MAX_TRANSACTIONS,
    RangeRecord,
    ReadRecord,
    SetRecord,
    WriteRecord,
)

CONFIG, ENDORSER_TRANSACTION = 1, 3
"""Types of envelope (`common.HeaderType`)."""
LIFECYCLE = "_lifecycle"
"""Fabric's own namespace: which chaincode is which. Every transaction reads it."""


@dataclass(frozen=True, slots=True)
class FabricProposal:
    """What a client asked the peers to do."""

    channel: str
    transaction_id: str
    timestamp: int
    """Milliseconds since 1970."""
    msp_id: str
    certificate: bytes
    namespace: str
    function: str
    arguments: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Endorsement:
    """A peer's signature of what a proposal came to."""

    msp_id: str
    certificate: bytes
    message: bytes
    """The bytes that it signed."""
    signature: bytes


@dataclass(frozen=True, slots=True)
class FabricTransaction:
    """A transaction whose parts belong together; no signature is checked yet."""

    proposal: FabricProposal
    payload: bytes
    """What the creator signed, with `signature`."""
    signature: bytes
    endorsements: tuple[Endorsement, ...]
    result: bytes
    event: tuple[str, bytes] | None
    sets: tuple[SetRecord, ...]
    """What it read and wrote, Fabric's own namespace left out."""
    lifecycle: SetRecord | None
    """What it read and wrote there."""


@dataclass(frozen=True, slots=True)
class _Header:
    """Of a payload or a proposal."""

    kind: int
    channel: str
    transaction_id: str
    timestamp: int
    msp_id: str
    certificate: bytes
    digest: bytes
    """The two headers' bytes, of which the proposal's hash is made."""


def kind_of(envelope: bytes) -> int:
    """The type of an envelope (`common.HeaderType`). Raises MalformedError."""
    return Message(envelope).message(1).message(1).message(1).integer(1)


def transaction_id_of(envelope: bytes) -> str:
    """The id that an envelope names. Raises MalformedError."""
    return Message(envelope).message(1).message(1).message(1).text(5)


def decode_transaction(envelope: bytes) -> FabricTransaction:
    """Read an envelope of a chaincode's transaction.

    Raises MalformedError where it is none, or where its id, its proposal and what was endorsed do not belong
    together (Fabric's own checks: `core/common/validation`)."""
    outer = Message(envelope)
    payload = outer.octets(1)
    parts = Message(payload)
    header = _decode_header(parts.message(1))
    if header.kind != ENDORSER_TRANSACTION:
        raise MalformedError(f"is an envelope of type {header.kind}, not a chaincode's transaction")
    actions = parts.message(2).messages(1)
    if len(actions) != 1 or actions[0].octets(1) != parts.message(1).octets(2):
        raise MalformedError("has not one action by its own creator")
    action = actions[0].message(2)
    proposed, endorsed = action.octets(1), action.message(2)
    answer = endorsed.octets(1)
    response, digest = Message(answer), sha256(header.digest + proposed).digest()
    if response.octets(1) != digest:
        raise MalformedError("has endorsements of another proposal")
    outcome = response.message(2)
    namespace, arguments = _invocation(proposed)
    sets = [_set(each) for each in outcome.message(1).messages(2)]
    return FabricTransaction(
        proposal=_proposal(header, namespace, arguments),
        payload=payload,
        signature=outer.octets(2),
        endorsements=tuple(_endorsement(each, answer) for each in endorsed.messages(2)),
        result=outcome.message(3).octets(3),
        event=_event(outcome.message(2)),
        sets=tuple(each for each in sets if each.namespace != LIFECYCLE),
        lifecycle=next((each for each in sets if each.namespace == LIFECYCLE), None),
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer answered to a proposal, signed."""

    proposal: FabricProposal
    chaincode: str
    status: int
    value: bytes
    endorsement: Endorsement


def decode_answer(proposal: bytes, response: bytes, endorsement: bytes) -> Answer:
    """Read `protos.Proposal`, `ProposalResponsePayload` and `Endorsement`.

    Raises MalformedError where the answer is to another proposal, or there is room for what nobody signed."""
    _check_parts(proposal)
    _check_parts(endorsement)
    asked = Message(proposal)
    _check_parts(asked.octets(1))
    header, proposed = _decode_header(asked.message(1)), asked.octets(2)
    answer = Message(response)
    if answer.octets(1) != sha256(header.digest + proposed).digest():
        raise MalformedError("is the answer to another proposal")
    outcome = answer.message(2)
    namespace, arguments = _invocation(proposed)
    return Answer(
        proposal=_proposal(header, namespace, arguments),
        chaincode=outcome.message(4).text(2),
        status=outcome.message(3).integer(1),
        value=outcome.message(3).octets(3),
        endorsement=_endorsement(Message(endorsement), response),
    )


def _check_parts(encoded: bytes) -> None:
    """Raises MalformedError where a message is anything but its first two fields, of bytes, in order."""
    message = Message(encoded)
    if encoded != encode_octets(1, message.octets(1)) + encode_octets(2, message.octets(2)):
        raise MalformedError("holds more than its parts")


def _decode_header(header: Message) -> _Header:
    channel, author = header.message(1), header.message(2)
    creator = author.message(1)
    time = channel.message(3)
    transaction_id = channel.text(5)
    if transaction_id != sha256(author.octets(2) + author.octets(1)).hexdigest():
        raise MalformedError("has an id that is not of its nonce and creator")
    return _Header(
        kind=channel.integer(1),
        channel=channel.text(4),
        transaction_id=transaction_id,
        timestamp=time.integer(1) * 1000 + time.integer(2) // 1_000_000,
        msp_id=creator.text(1),
        certificate=creator.octets(2),
        digest=header.octets(1) + header.octets(2),
    )


def _proposal(header: _Header, namespace: str, arguments: list[bytes]) -> FabricProposal:
    function, *rest = arguments or [b""]
    return FabricProposal(
        channel=header.channel,
        transaction_id=header.transaction_id,
        timestamp=header.timestamp,
        msp_id=header.msp_id,
        certificate=header.certificate,
        namespace=namespace,
        function=function.decode("utf-8", "replace"),
        arguments=tuple(rest),
    )


def _invocation(proposed: bytes) -> tuple[str, list[bytes]]:
    spec = Message(proposed).message(1).message(1)
    return spec.message(2).text(2), spec.message(3).several(1)


def _endorsement(message: Message, answer: bytes) -> Endorsement:
    endorser = message.message(1)
    return Endorsement(endorser.text(1), endorser.octets(2), answer + message.octets(1), message.octets(2))


def _event(message: Message) -> tuple[str, bytes] | None:
    name = message.text(3)
    return (name, message.octets(4)) if name else None


def _set(message: Message) -> SetRecord:
    namespace, content = message.text(1), message.message(2)
    if namespace != LIFECYCLE and 4 in content:
        raise MalformedError("gives keys endorsement policies of their own, which the rules never do")
    return SetRecord(
        namespace=namespace,
        reads=tuple(map(_read, content.messages(1))),
        ranges=tuple(map(_range, content.messages(2))),
        writes=tuple(map(_write, content.messages(3))),
    )


def _read(message: Message) -> ReadRecord:
    if 2 not in message:
        return ReadRecord(message.text(1), ABSENT)
    version = message.message(2)
    return ReadRecord(message.text(1), version.integer(1) * MAX_TRANSACTIONS + version.integer(2))


def _range(message: Message) -> RangeRecord:
    if 5 in message:
        raise MalformedError("sums up the keys of a range as hashes, which only a peer can follow")
    end = message.text(2)
    # A range that was left before its end counts up to and with the last key that was read.
    return RangeRecord(
        message.text(1),
        end if message.integer(3) else end + "\x00",
        tuple(map(_read, message.message(4).messages(1))),
    )


def _write(message: Message) -> WriteRecord:
    return WriteRecord(message.text(1), ABSENT, None if message.integer(2) else message.octets(3))
