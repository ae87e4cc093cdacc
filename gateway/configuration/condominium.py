"""The condominium's own record on the ledger."""

from __future__ import annotations

from typing import Any

from chaincode.condominium import Condominium
from chaincode.errors import NotFound
from chaincode.fields import encode
from gateway.clock import Clock
from gateway.configuration.secrets import Keys
from gateway.membership import Membership
from gateway.settings import CondominiumSettings
from gateway.transaction.submission import Submitter


class CondominiumError(Exception):
    """The ledger's record and this gateway do not belong together; the sentence says what to do."""


async def ensure_registered(
    membership: Membership, settings: CondominiumSettings, keys: Keys, clock: Clock
) -> Condominium:
    """The condominium's record, which is put on the ledger at the first start.

    Raises `CondominiumError` where the record names another signing key: units would obey nothing that this
    gateway sends."""
    try:
        record = await read(membership)
    except NotFound:
        request = {
            "code": settings.code,
            "name": settings.name or settings.code,
            "currency": settings.currency,
            "decimals": settings.decimals,
            "grace": settings.grace,
            "signing_key": keys.public_key().hex(),
        }
        submitter = _administrator(membership, clock)
        record = Condominium.decode(
            (await submitter.submit("condominium.register", [encode(request)])).result
        )
    if record.signing_key != keys.public_key().hex():
        raise CondominiumError(
            "the ledger's record names another signing key than this gateway has; "
            "restore the database and the key file that belong to this ledger"
        )
    return record


async def read(membership: Membership) -> Condominium:
    """The record as it is now. Raises NotFound before it is registered, `LedgerError`."""
    return Condominium.decode(await membership.ledger.evaluate(membership.namespace, "condominium.get", []))


async def amend(membership: Membership, changes: dict[str, Any], clock: Clock) -> Condominium:
    """Change name, grace, currency or decimals, as far as the rules allow.

    Raises ContractError, `LedgerError`."""
    submitter = _administrator(membership, clock)
    return Condominium.decode((await submitter.submit("condominium.amend", [encode(changes)])).result)


def _administrator(membership: Membership, clock: Clock) -> Submitter:
    return Submitter(membership.administrator, membership.namespace, clock)
