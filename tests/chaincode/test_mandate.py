"""Mandates: what a tap or plugging in may spend, and what it may not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chaincode.errors import InvalidArgument, NotAuthorised, StateConflict
from chaincode.signing.intent import MAX_STANDING, RevokeIntent, intent_id, new_nonce
from chaincode.signing.request import RequestKind, tag_hash
from tests.chaincode.memory import MemoryLedger
from tests.chaincode.world import HOUR, PartyCondominium, PartyUnit, PartyWallet, condominium

TAG = tag_hash(b"salt", b"04a2b3")


async def _granted(**changes: Any) -> tuple[PartyCondominium, PartyUnit, PartyWallet, str]:
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    body, signature = wallet.sign(aurora.mandate_intent(wallet, TAG, **changes))
    await aurora.submit("mandate.grant", body, signature)
    return aurora, unit, wallet, intent_id(body)


async def _tap(
    house: PartyCondominium, unit: PartyUnit, mandate: str, issuer: str = "", **changes: Any
) -> Any:
    request = {"mandate": mandate, "issuer": issuer or house.code, "tariff": 1}
    time, tag = changes.pop("time", house.now), changes.pop("tag", TAG)
    return await house.submit("session.open_under_mandate", request, unit.request(time, tag, **changes))


async def test_a_tap_opens_a_session_within_the_cap() -> None:
    """The session cap is locked; what is not used comes back and frees the period's cap."""
    aurora, unit, wallet, mandate = await _granted()
    opened = await _tap(aurora, unit, mandate)
    assert (opened["amount"], opened["mandate"]) == (300, mandate)
    with pytest.raises(StateConflict, match="cap of 500"):
        await _tap(aurora, unit, mandate)
    session = opened["id"]
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    last = unit.evidence(session, aurora.wait(HOUR), 5_000_000)
    await aurora.submit("session.settle", session.encode(), b"Local", last)
    assert await aurora.balance(wallet) == 900
    assert (await _tap(aurora, unit, mandate))["amount"] == 300


async def test_the_same_tap_twice_is_one_session() -> None:
    """A repeated request answers the session that it opened."""
    aurora, unit, _, mandate = await _granted()
    request = {"mandate": mandate, "issuer": "aurora", "tariff": 1}
    tap = unit.request(aurora.now, TAG)
    first = await aurora.submit("session.open_under_mandate", request, tap)
    assert await aurora.submit("session.open_under_mandate", request, tap) == first


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"tag": bytes(16)}, "tag"),
        ({"kind": RequestKind.PLUGGED_IN}, "tag"),
        ({"network": bytes(8)}, "network"),
        ({"time": 1_000}, "time"),
    ],
)
async def test_a_request_that_the_mandate_does_not_cover_opens_nothing(
    changes: dict[str, Any], rule: str
) -> None:
    """Another tag, plugging in, another network, an old tap."""
    aurora, unit, wallet, mandate = await _granted()
    with pytest.raises((NotAuthorised, StateConflict), match=rule):
        await _tap(aurora, unit, mandate, **changes)
    assert await aurora.balance(wallet) == 1_000


@pytest.mark.parametrize(
    ("terms", "rule"),
    [({"units": (9,)}, "unit"), ({"price_limit": 100_000}, "tariff"), ({"until": 5}, "expired")],
)
async def test_a_mandates_own_limits_hold(terms: dict[str, Any], rule: str) -> None:
    """Units, dearest price and expiry."""
    aurora, unit, _, mandate = await _granted(**terms)
    with pytest.raises(NotAuthorised, match=rule):
        await _tap(aurora, unit, mandate)


async def test_a_mandate_has_an_end() -> None:
    """No more than 400 days after its intent expires."""
    aurora = await condominium()
    wallet = PartyWallet()
    await aurora.fund(wallet, 1_000)
    last = aurora.now + 600 + MAX_STANDING
    body, signature = wallet.sign(aurora.mandate_intent(wallet, TAG, until=last))
    assert (await aurora.submit("mandate.grant", body, signature))["until"] == last
    body, signature = wallet.sign(aurora.mandate_intent(wallet, TAG, until=last + 1))
    with pytest.raises(InvalidArgument, match="at most 400 days"):
        await aurora.submit("mandate.grant", body, signature)


async def test_a_gateway_cannot_make_a_tap_up() -> None:
    """The request must be signed by the unit."""
    aurora, unit, _, mandate = await _granted()
    forger = replace(unit, key=PartyWallet().key)
    with pytest.raises(NotAuthorised, match="signature"):
        await _tap(aurora, forger, mandate)


async def test_a_revoked_mandate_opens_nothing() -> None:
    """Only the wallet revokes, and at once."""
    aurora, unit, wallet, mandate = await _granted()
    thief = PartyWallet()

    def revoke(who: PartyWallet) -> tuple[bytes, bytes]:
        return who.sign(
            RevokeIntent(
                network=aurora.ledger.channel,
                wallet=who.id,
                nonce=new_nonce(),
                expires=aurora.now + 60,
                issuer="aurora",
                mandate=mandate,
            )
        )

    with pytest.raises(NotAuthorised, match="wallet"):
        await aurora.submit("mandate.revoke", *revoke(thief))
    await aurora.submit("mandate.revoke", *revoke(wallet))
    with pytest.raises(NotAuthorised, match="revoked"):
        await _tap(aurora, unit, mandate)


async def test_a_mandate_works_for_a_visitor() -> None:
    """A mandate in the issuer's namespace spends at the host that it names, and at no other."""
    ledger = MemoryLedger()
    aurora, boreal = await condominium("aurora", ledger), await condominium("boreal", ledger)
    wallet = PartyWallet()
    unit, home = await boreal.enrol(1), await aurora.enrol(1)
    await aurora.fund(wallet, 1_000)
    body, signature = wallet.sign(aurora.mandate_intent(wallet, TAG, condominium="boreal"))
    await aurora.submit("mandate.grant", body, signature)
    opened = await _tap(boreal, unit, intent_id(body), issuer="aurora")
    assert (opened["issuer"], opened["amount"]) == ("aurora", 300)
    with pytest.raises(NotAuthorised, match="boreal"):
        await _tap(aurora, home, intent_id(body))


@pytest.mark.parametrize(
    "dear",
    [{"start_fee": 300}, {"bands": [{"name": "x", "energy_price": 1, "idle_price": 900_000}]}],
)
async def test_a_start_fee_or_idle_price_that_was_not_allowed_opens_nothing(dear: dict[str, Any]) -> None:
    """A cheap kilowatt-hour beside a dear start would empty the cap; both are limited too."""
    aurora, unit, _, mandate = await _granted()
    await aurora.publish(2, valid_from=aurora.now + 1, **dear)
    aurora.wait(5)
    request = {"mandate": mandate, "issuer": "aurora", "tariff": 2}
    with pytest.raises(NotAuthorised, match="tariff"):
        await aurora.submit("session.open_under_mandate", request, unit.request(aurora.now, TAG))
