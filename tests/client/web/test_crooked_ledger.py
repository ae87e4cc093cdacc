"""Crooked rules on a ledger that the condominium signs itself: their receipts do not pass on the phone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from chaincode import escrow, unit, wallet
from chaincode.signing.intent import Intent, OpenIntent
from chaincode.signing.receipt import Receipt
from tests.chaincode.world import PartyWallet
from tests.client.web.test_receipt import House, verify

pytestmark = pytest.mark.slow


def _charge(house: House, folder: Path) -> Receipt:
    return asyncio.run(house.charge(folder))


def _verdict(house: House, receipt: Receipt, folder: Path) -> dict[str, Any]:
    [verdict] = verify(folder, house.authority.root, [receipt.encode()])
    return verdict


def test_a_session_other_than_the_one_that_was_signed_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wallet asked for 1 kWh at unit 3; altered rules read 6 kWh at unit 7 into the intent."""
    house = House("ed25519")
    honest = wallet.read_intent
    intent_of = house.party.intent

    def crooked(stub: Any, body: bytes, kind: type[Intent]) -> Intent:
        intent = honest(stub, body, kind)
        return replace(intent, unit=7, energy=None) if isinstance(intent, OpenIntent) else intent

    def modest(who: Any, socket: Any, **changes: Any) -> OpenIntent:
        return replace(intent_of(who, socket, **changes), unit=3, energy=1_000)

    monkeypatch.setattr("chaincode.opening.read_intent", crooked)
    monkeypatch.setattr(house.party, "intent", modest)
    receipt = _charge(house, tmp_path)
    assert _verdict(house, receipt, tmp_path) == {"failed": "intent"}


def test_an_intent_that_the_wallet_never_signed_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Altered rules accept another key's signature for the victim's wallet."""
    house = House("ed25519")
    forger = SigningKey.generate()
    victim = house.wallet.id
    house.wallet = PartyWallet(forger, victim)
    accept: Callable[..., str] = lambda *_: bytes(forger.verify_key).hex()  # noqa: E731
    monkeypatch.setattr(escrow, "signing_key", accept)
    receipt = _charge(house, tmp_path)
    assert _verdict(house, receipt, tmp_path) == {"failed": "intent"}


def test_readings_of_a_unit_that_was_never_enrolled_are_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Altered rules take a key that the condominium made for the unit's."""
    house = House("ed25519")
    forger = SigningKey.generate()
    honest = unit.existing

    def crooked(number: int, value: bytes | None) -> Any:
        return replace(honest(number, value), key=bytes(forger.verify_key).hex())

    enrolled = house.found

    async def found(admin: Any) -> None:
        await enrolled(admin)
        house.unit.key = forger

    for module in ("opening", "session"):
        monkeypatch.setattr(f"chaincode.{module}.existing", crooked)
    monkeypatch.setattr(house, "found", found)
    receipt = _charge(house, tmp_path)
    assert _verdict(house, receipt, tmp_path) == {"failed": "reading"}
