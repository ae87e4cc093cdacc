"""Evidence: reading batches as a transaction carries them, and everything that is checked of one.

A batch counts when its unit (or, for class `mac`, the gateway's attestation) signed it, it names this
network, unit and session, it follows the reading before it, and the unit's nominal current could have
delivered its energy in the time between.
"""

from __future__ import annotations

from chaincode.condominium import Condominium
from chaincode.errors import InvalidArgument, NotAuthorised, StateConflict
from chaincode.meter import Reading
from chaincode.signing import batch as batches
from chaincode.signing import domain
from chaincode.signing import request as requests
from chaincode.signing.batch import Batch, Flag, batch_hash, decode_batch
from chaincode.signing.request import StartRequest, decode_request
from chaincode.unit import ED25519, MAC, RETIRED, Unit

CLOCK_TOLERANCE = 900
"""Seconds by which a reading may lie ahead of the transaction's time: Fabric's own time window."""
VOLTAGE_MARGIN_PERCENT = 10
"""EN 50160, section 4.2.2: supply voltage stays within 10 % of nominal."""
CURRENT_MARGIN_PERCENT = 5
"""SCT-013 deviates by up to 2 % (paper, section 4.1.2), inrush by a little more."""
CLOCK_STEP = 2
"""Seconds that rounding adds to the time between two readings."""


def verify_batch(condominium: Condominium, channel: str, unit: Unit, session: str, message: bytes) -> Batch:
    """The batch in one piece of evidence, authentic and for this unit and session.

    Raises InvalidArgument for a malformed one, NotAuthorised for one that proves nothing here."""
    length = batches.body_length(message)
    _authenticate(condominium, unit, message, length, domain.BATCH)
    batch = decode_batch(message[:length])
    _same_place(condominium, channel, unit, batch.unit, batch.network)
    if batch.session.hex() != session[: 2 * batches.SESSION_BYTES]:
        raise NotAuthorised("evidence.session", "is the session that is settled")
    if batch.flags & Flag.CLOCK_UNSET:
        raise NotAuthorised("evidence.time", "is known: the unit's clock was not set")
    return batch


def verify_request(condominium: Condominium, channel: str, unit: Unit, message: bytes) -> StartRequest:
    """The start request in one piece of evidence, authentic and from this unit. Raises as `verify_batch`."""
    length = requests.BODY_BYTES
    if len(message) < length:
        raise InvalidArgument("request", f"has at least {length} bytes")
    _authenticate(condominium, unit, message, length, domain.REQUEST)
    request = decode_request(message[:length])
    _same_place(condominium, channel, unit, request.unit, request.network)
    return request


def reading_of(unit: Unit, message: bytes, batch: Batch) -> Reading:
    """What the ledger remembers of a verified batch."""
    signed = message if unit.key_class == ED25519 else message[: -domain.SIGNATURE_BYTES]
    return Reading(
        boot=batch.boot,
        number=batch.number,
        time=batch.time,
        register=batch.register,
        flags=int(batch.flags),
        hash=batch_hash(signed).hex(),
    )


def check_follows(before: Reading | None, reading: Reading) -> None:
    """A later reading of the same meter. Raises StateConflict where it is used, older or lower."""
    if before is None:
        return
    if reading.number <= before.number:
        raise StateConflict("evidence.number", f"is above {before.number}, the last reading used")
    if reading.boot < before.boot:
        raise StateConflict("evidence.boot", f"is at least {before.boot}")
    if reading.register < before.register:
        raise StateConflict("evidence.register", f"is at least {before.register} mWh: meters never fall")
    if reading.time < before.time:
        raise StateConflict("evidence.time", f"is not before {before.time}")


def check_deliverable(unit: Unit, before: Reading, reading: Reading) -> None:
    """The unit could have delivered this energy in this time. Raises StateConflict."""
    power = unit.nominal_current * unit.nominal_voltage * unit.phases // 10
    margin = (100 + VOLTAGE_MARGIN_PERCENT) * (100 + CURRENT_MARGIN_PERCENT)
    most = power * (reading.time - before.time + CLOCK_STEP) * margin // (3_600 * 10_000)
    if reading.register - before.register > most:
        raise StateConflict(
            "evidence.register", f"rises by at most {most} mWh, what the unit can deliver in that time"
        )


def _authenticate(condominium: Condominium, unit: Unit, message: bytes, length: int, line: bytes) -> None:
    if unit.state == RETIRED:
        raise NotAuthorised("unit", f"{unit.number} is not retired")
    if unit.key_class == ED25519 and unit.key is not None:
        expected = length + domain.SIGNATURE_BYTES
        good = len(message) == expected and domain.verifies(
            bytes.fromhex(unit.key), line, message[:length], message[length:]
        )
        if not good:
            raise NotAuthorised("evidence.signature", f"is unit {unit.number}'s")
    elif unit.key_class == MAC:
        sealed = length + domain.MAC_BYTES
        good = len(message) == sealed + domain.SIGNATURE_BYTES and domain.verifies(
            bytes.fromhex(condominium.signing_key), domain.ATTESTATION, message[:sealed], message[sealed:]
        )
        if not good:
            raise NotAuthorised("evidence.attestation", f"is the signing key's of {condominium.code}")
    else:
        raise NotAuthorised("unit", "is of class ed25519 or mac: OCMF records are not settled yet")


def _same_place(condominium: Condominium, channel: str, unit: Unit, number: int, network: bytes) -> None:
    if network != domain.network_tag(channel, condominium.code):
        raise NotAuthorised("evidence.network", f"is {condominium.code} on {channel}")
    if number != unit.number:
        raise NotAuthorised("evidence.unit", f"is {unit.number}")
