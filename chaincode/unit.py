"""Units: the IoT units at a condominium's EVSEs, and the keys that their meters sign with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from chaincode import creator
from chaincode.condominium import own
from chaincode.errors import InvalidArgument, NotFound, StateConflict
from chaincode.fields import Fields
from chaincode.meter import Meter
from chaincode.meter import key_of as meter_key
from chaincode.record import Record
from chaincode.signing.intent import MAX_UNIT
from chaincode.stub import Stub, composite_key

ED25519 = "ed25519"
MAC = "mac"
OCMF = "ocmf"
ACTIVE = "active"
RETIRED = "retired"
MAX_KEYS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit(Record):
    """A unit as the ledger knows it."""

    number: int
    key_class: str
    """`ed25519`: every endorser verifies its readings. `mac`: the gateway verifies and attests. `ocmf`: a
    wallbox with a certified meter."""
    key: str | None
    """Public key, hexadecimal: 32 bytes for ed25519, DER SubjectPublicKeyInfo for ocmf, none for mac."""
    nominal_current: int
    """mA per phase: energy that this could not have delivered is refused."""
    nominal_voltage: int
    """Tenths of a volt, phase to neutral."""
    phases: int
    state: str
    enrolled_at: int
    """Unix seconds."""
    generation: int
    """Rises with each enrolment of this number, from 1: new hardware is another meter."""
    retired_keys: tuple[str, ...]
    """Keys that once signed for this number, so that none comes back."""


def key_of(number: int) -> str:
    """Where a unit is kept."""
    return composite_key("unit", f"{number:05d}")


def existing(number: int, value: bytes | None) -> Unit:
    """The unit in `value`, read at `key_of(number)`. Raises NotFound."""
    if value is None:
        raise NotFound("unit", f"{number} is enrolled at this condominium")
    return Unit.decode(value)


async def enrol(stub: Stub, request: bytes) -> bytes:
    """`unit.enrol`: a new unit, or new hardware at a retired unit's number. Twice the same is once.

    Request: unit, class, key (absent for mac), nominal_current (mA), nominal_voltage (0.1 V), phases."""
    condominium = await own(stub)
    creator.require(stub, condominium.msp_id, creator.ADMIN, creator.GATEWAY)
    fields = Fields.parse(request, "request")
    number = fields.integer("unit", 0, MAX_UNIT)
    key_class = fields.choice("class", ED25519, MAC, OCMF)
    unit = Unit(
        number=number,
        key_class=key_class,
        key=_key(fields, key_class),
        nominal_current=fields.integer("nominal_current", 100, 125_000),
        nominal_voltage=fields.integer("nominal_voltage", 1_000, 5_000),
        phases=fields.integer("phases", 1, 3),
        state=ACTIVE,
        enrolled_at=stub.timestamp // 1000,
        generation=1,
        retired_keys=(),
    )
    fields.done()
    stored = await stub.get(key_of(number))
    if stored is not None:
        before = Unit.decode(stored)
        if before.state == ACTIVE:
            if before == replace(
                unit,
                enrolled_at=before.enrolled_at,
                generation=before.generation,
                retired_keys=before.retired_keys,
            ):
                return stored
            raise StateConflict("unit", f"{number} is enrolled already; retire it first")
        _refuse_used(unit.key, before.retired_keys)
        unit = replace(unit, generation=before.generation + 1, retired_keys=before.retired_keys)
    await stub.put(meter_key(number), Meter.fresh().encode())
    return await _write(stub, unit, "unit.enrolled")


async def rotate_key(stub: Stub, request: bytes) -> bytes:
    """`unit.rotate_key`: another key for the same meter. Request: unit, key.

    Refused while a session is started: its readings would have two keys."""
    fields = Fields.parse(request, "request")
    unit, _ = await _change(stub, fields)
    key = _key(fields, unit.key_class)
    fields.done()
    if key is None:
        raise StateConflict("unit", "of class mac has no key on the ledger; provision the new one")
    if key == unit.key:
        return unit.encode()
    _refuse_used(key, unit.retired_keys)
    return await _write(stub, replace(unit, key=key, retired_keys=_retire(unit)), "unit.key-rotated")


async def retire(stub: Stub, request: bytes) -> bytes:
    """`unit.retire`: no more sessions at this unit. Request: unit."""
    fields = Fields.parse(request, "request")
    unit, _ = await _change(stub, fields)
    fields.done()
    if unit.state == RETIRED:
        return unit.encode()
    return await _write(stub, replace(unit, state=RETIRED, retired_keys=_retire(unit)), "unit.retired")


async def get(stub: Stub, number: bytes) -> bytes:
    """`unit.get`: one unit by its number in decimal."""
    if not number.isdigit() or len(number) > 5:
        raise InvalidArgument("unit", f"is a decimal number of at most {MAX_UNIT}")
    return existing(int(number), await stub.get(key_of(int(number)))).encode()


async def _change(stub: Stub, fields: Fields) -> tuple[Unit, Meter]:
    creator.require(stub, (await own(stub)).msp_id, creator.ADMIN, creator.GATEWAY)
    number = fields.integer("unit", 0, MAX_UNIT)
    stored, meter_value = await stub.get_many([key_of(number), meter_key(number)])
    unit = existing(number, stored)
    meter = Meter.existing(meter_value)
    if meter.session:
        raise StateConflict("unit", f"{number} has a started session; settle it first")
    return unit, meter


async def _write(stub: Stub, unit: Unit, event: str) -> bytes:
    value = unit.encode()
    await stub.put(key_of(unit.number), value)
    stub.set_event(event, value)
    return value


def _key(fields: Fields, key_class: str) -> str | None:
    if key_class == MAC:
        return None
    if key_class == ED25519:
        return fields.hexadecimal("key", 32)
    text = fields.text("key", longest=400)
    try:
        key = load_der_public_key(bytes.fromhex(text))
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidArgument("key", "is a DER SubjectPublicKeyInfo in hexadecimal") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise InvalidArgument("key", "is an ECDSA public key: OCMF knows no other")
    return text


def _retire(unit: Unit) -> tuple[str, ...]:
    if unit.key is None:
        return unit.retired_keys
    if len(unit.retired_keys) >= MAX_KEYS:
        raise StateConflict("unit", f"has had at most {MAX_KEYS} keys; enrol it under another number")
    return (*unit.retired_keys, unit.key)


def _refuse_used(key: str | None, retired: tuple[str, ...]) -> None:
    if key is not None and key in retired:
        raise StateConflict("key", "was retired for this unit and cannot come back")
