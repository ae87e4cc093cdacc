"""A neighbouring condominium that vanishes in the middle of a visit."""

from __future__ import annotations

import pytest

from chaincode.errors import StateConflict
from tests.chaincode.memory import MemoryLedger
from tests.chaincode.world import HOUR, PartyWallet, condominium


async def test_a_vanished_issuer_does_not_hold_the_hosts_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host frees its unit after the time for reclaiming, and settles when the issuer answers again."""
    ledger = MemoryLedger()
    aurora, boreal = await condominium("aurora", ledger), await condominium("boreal", ledger)
    unit, wallet, next_wallet = await boreal.enrol(1), PartyWallet(), PartyWallet()
    await aurora.fund(wallet, 1_000)
    await boreal.fund(next_wallet, 1_000)
    session = await boreal.open(wallet, unit, issuer="aurora", amount=400, duration=HOUR)
    await boreal.submit("session.start", session.encode(), unit.evidence(session, boreal.now, 0))
    reading = unit.evidence(session, boreal.wait(HOUR), 5_000_000)
    await boreal.submit("session.checkpoint", session.encode(), reading)

    async def silent(*_: object) -> bytes:
        raise StateConflict("issuer", "does not answer")

    with pytest.raises(StateConflict, match="abandoned after"):
        await boreal.submit("session.abandon", session.encode())
    boreal.wait(3 * HOUR)
    with monkeypatch.context() as vanished:
        vanished.setattr("tests.chaincode.memory.MemoryStub.invoke", silent)
        with pytest.raises(StateConflict, match="does not answer"):
            await boreal.submit("session.settle", session.encode(), b"Remote")
        await boreal.submit("session.abandon", session.encode())
        following = await boreal.open(next_wallet, unit, amount=100)
        begun = unit.evidence(following, boreal.now, 5_000_000)
        await boreal.submit("session.start", following.encode(), begun)
    settled = await boreal.submit("session.settle", session.encode(), b"Remote")
    assert (settled["state"], settled["settlement"]["cost"]) == ("settled", 100)
    assert (await boreal.evaluate("audit.session", following.encode()))["state"] == "started"
