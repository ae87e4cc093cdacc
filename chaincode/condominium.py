"""The condominium: one record in each namespace, which says whose namespace it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from chaincode import creator
from chaincode.errors import NotFound, StateConflict
from chaincode.fields import CODE, Fields
from chaincode.record import Record
from chaincode.stub import Stub, composite_key

KEY = composite_key("condominium")
CURRENCY = re.compile(r"[A-Z]{3,8}")
MIN_GRACE = 3_600
"""Seconds: a last reading may be five minutes past a deadline, and a proposal's clock a quarter of an hour
off."""
MAX_GRACE = 7 * 86_400


def namespace_of(code: str) -> str:
    """The namespace (Fabric: chaincode name) of the condominium with this code."""
    return f"condocharge-{code}"


def msp_id_of(code: str) -> str:
    """The MSP id of the condominium with this code: fixed, so that nobody registers for another."""
    return f"{code}MSP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condominium(Record):
    """Whose namespace this is, and what its tokens are."""

    code: str
    name: str
    currency: str
    """The token's symbol."""
    decimals: int
    """How many decimals of the token are counted: amounts are in minor units of 10 to the minus this."""
    grace: int
    """Seconds after a session's deadline from which its wallet may reclaim the escrow."""
    signing_key: str
    """Ed25519 public key, hexadecimal: attests `mac` units' readings, signs commands and clearings."""
    registered_at: int
    """Unix seconds."""

    @property
    def msp_id(self) -> str:
        """The MSP id whose identities act for this condominium."""
        return msp_id_of(self.code)


async def own(stub: Stub) -> Condominium:
    """The condominium of this namespace. Raises NotFound before it is registered."""
    return own_from(await stub.get(KEY))


def own_from(value: bytes | None) -> Condominium:
    """As `own`, from the value that was read at `KEY`."""
    if value is None:
        raise NotFound("condominium", "is registered in this namespace before anything else")
    return Condominium.decode(value)


async def register(stub: Stub, request: bytes) -> bytes:
    """`condominium.register`: make the namespace this condominium's. Twice the same is once.

    Request: code, name, currency, decimals (0 to 6), grace (seconds), signing_key."""
    fields = Fields.parse(request, "request")
    code = fields.text("code", CODE)
    record = Condominium(
        code=code,
        name=fields.text("name", longest=100),
        currency=fields.text("currency", CURRENCY),
        decimals=fields.integer("decimals", 0, 6),
        grace=fields.integer("grace", MIN_GRACE, MAX_GRACE),
        signing_key=fields.hexadecimal("signing_key", 32),
        registered_at=stub.timestamp // 1000,
    )
    fields.done()
    creator.require(stub, record.msp_id, creator.ADMIN)
    if stub.called != namespace_of(code):
        raise StateConflict("code", f"is registered in its own namespace, {namespace_of(code)}")
    if (stored := await stub.get(KEY)) is not None:
        existing = Condominium.decode(stored)
        if replace(record, registered_at=existing.registered_at) != existing:
            raise StateConflict("condominium", "is registered already; amend it instead")
        return stored
    return await _write(stub, record, "condominium.registered")


async def amend(stub: Stub, request: bytes) -> bytes:
    """`condominium.amend`: change name, grace period or signing key; currency and decimals only while no
    token has been issued, as they say what a token is worth.

    Request: any of name, currency, decimals, grace, signing_key."""
    current = await own(stub)
    creator.require(stub, current.msp_id, creator.ADMIN)
    fields = Fields.parse(request, "request")
    record = replace(
        current,
        name=fields.optional("name", lambda name: fields.text(name, longest=100)) or current.name,
        currency=fields.optional("currency", lambda name: fields.text(name, CURRENCY)) or current.currency,
        decimals=_given(
            fields.optional("decimals", lambda name: fields.integer(name, 0, 6)), current.decimals
        ),
        grace=_given(
            fields.optional("grace", lambda name: fields.integer(name, MIN_GRACE, MAX_GRACE)), current.grace
        ),
        signing_key=fields.optional("signing_key", lambda name: fields.hexadecimal(name, 32))
        or current.signing_key,
    )
    fields.done()
    if (record.currency, record.decimals) != (current.currency, current.decimals):
        async for _ in stub.range(composite_key("purchase")):
            raise StateConflict("currency", "stays as it is once tokens have been issued")
    if record == current:
        return current.encode()
    return await _write(stub, record, "condominium.amended")


async def get(stub: Stub) -> bytes:
    """`condominium.get`: this namespace's record."""
    return (await own(stub)).encode()


async def _write(stub: Stub, record: Condominium, event: str) -> bytes:
    value = record.encode()
    await stub.put(KEY, value)
    stub.set_event(event, value)
    return value


def _given(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
