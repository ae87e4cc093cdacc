"""A tag at a unit's reader, or plugging in, opens a session where a mandate permits it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from chaincode.signing import domain
from chaincode.signing.intent import MandateIntent, RedeemIntent, RevokeIntent, intent_id, new_nonce
from chaincode.signing.request import RequestKind, StartRequest, tag_hash
from gateway.metering.received import RequestReceived
from gateway.projection.follower import Follower
from gateway.transaction.tap import MOST_TRIED, Taps
from network.ledger import Committed
from tests.chaincode.world import PartyWallet
from tests.gateway.garage import CHANNEL, CODE, Car, Garage, Socket, wallet

TAG = tag_hash(bytes(16), b"04a1b2c3")


class Reader:
    """A garage with a reader at each unit."""

    def __init__(self, garage: Garage) -> None:
        self.garage = garage
        self.follower = Follower(garage.ledger, garage.database, garage.clock)
        self.taps = Taps(
            garage.database,
            garage.submitter,
            garage.catalogue,
            garage.clock,
            code=CODE,
            on_session=garage.monitor.relayed,
            is_free=lambda unit: garage.monitor.floor.first_at(unit) is None,
        )
        self.number = 0

    async def grant(self, resident: PartyWallet, **changes: object) -> str:
        """The resident lets the tag spend; returns the mandate's id."""
        members: dict[str, object] = {
            "network": CHANNEL,
            "wallet": resident.id,
            "nonce": new_nonce(),
            "expires": self.garage.now + 600,
            "issuer": CODE,
            "condominium": CODE,
            "units": (),
            "tags": (TAG.hex(),),
            "session_cap": 300,
            "period_cap": 1_000,
            "period": 86_400,
            "until": self.garage.now + 30 * 86_400,
            "duration": 7_200,
            "price_limit": 300_000,
        }
        body, signature = resident.sign(MandateIntent(**(members | changes)))  # type: ignore[arg-type]
        await self.garage.submitter.submit("mandate.grant", [body, signature])
        await self.garage.world.settle()
        return intent_id(body)

    async def redeem(self, resident: PartyWallet, amount: int) -> None:
        """The resident gives tokens back."""
        back = RedeemIntent(
            network=CHANNEL,
            wallet=resident.id,
            nonce=new_nonce(),
            expires=self.garage.now + 600,
            issuer=CODE,
            amount=amount,
        )
        await self.garage.submitter.submit("token.redeem", list(resident.sign(back)))
        await self.garage.world.settle()

    async def tap(self, unit: int, tag: bytes = TAG, kind: RequestKind = RequestKind.TAG) -> RequestReceived:
        """Somebody holds a tag to a unit's reader, or plugs in there."""
        self.number += 1
        socket = self.garage.sockets[unit]
        request = StartRequest(kind, unit, socket.network, socket.boot, self.number, self.garage.now, tag)
        body = request.encode()
        message = body + domain.sign(socket.secret, domain.REQUEST, body)
        received = RequestReceived(unit, request, message, message, self.garage.clock.now())
        await self.taps.on_request(received)
        await self.garage.world.settle()
        return received


@pytest.fixture
async def reader(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Reader]:
    """A garage of two units with cars, whose readers work."""
    sockets = [Socket(n, car=Car()) for n in (1, 2)]
    reader = Reader(await Garage.open(tmp_path, sockets))
    await reader.follower.start()
    yield reader
    await reader.follower.close()
    await reader.garage.close()


async def test_a_tap_gives_power_within_the_mandates_cap(reader: Reader) -> None:
    """The relay closes, and the escrow is the cap for one session."""
    resident = wallet()
    await reader.garage.fund(resident, 1_000)
    mandate = await reader.grant(resident)
    received = await reader.tap(1)
    live = reader.garage.monitor.floor.first_at(1)
    assert live is not None
    assert (live.record.amount, live.record.mandate, live.record.wallet) == (300, mandate, resident.id)
    assert reader.garage.sockets[1].closed
    assert await reader.garage.balance(resident) == 700
    await reader.taps.on_request(received)
    assert await reader.garage.balance(resident) == 700


async def test_a_second_tap_at_a_busy_unit_locks_nothing(reader: Reader) -> None:
    """While a session is under way there."""
    resident = wallet()
    await reader.garage.fund(resident, 1_000)
    await reader.grant(resident)
    await reader.tap(1)
    await reader.tap(1)
    assert await reader.garage.balance(resident) == 700
    assert len(reader.garage.monitor.floor) == 1


async def test_a_tag_that_no_mandate_names_opens_nothing(reader: Reader) -> None:
    """Nor does plugging in under a mandate for tags."""
    resident = wallet()
    await reader.garage.fund(resident, 1_000)
    await reader.grant(resident)
    await reader.tap(1, tag=tag_hash(bytes(16), b"another"))
    await reader.tap(1, tag=bytes(16), kind=RequestKind.PLUGGED_IN)
    assert len(reader.garage.monitor.floor) == 0
    assert await reader.garage.balance(resident) == 1_000


async def test_plugging_in_opens_at_the_units_that_the_mandate_names(reader: Reader) -> None:
    """At unit 2, not at unit 1."""
    resident = wallet()
    await reader.garage.fund(resident, 1_000)
    await reader.grant(resident, tags=(), units=(2,))
    await reader.tap(1, tag=bytes(16), kind=RequestKind.PLUGGED_IN)
    await reader.tap(2, tag=bytes(16), kind=RequestKind.PLUGGED_IN)
    assert reader.garage.monitor.floor.first_at(1) is None
    assert reader.garage.monitor.floor.first_at(2) is not None


async def test_the_next_mandate_pays_where_the_first_cannot(reader: Reader) -> None:
    """One wallet has spent all that it had; the tag is in another's mandate too."""
    empty, full = wallet("empty"), wallet("full")
    await reader.garage.fund(full, 1_000)
    await reader.garage.fund(empty, 50)
    await reader.grant(empty)
    await reader.redeem(empty, 50)
    await reader.grant(full)
    await reader.tap(1)
    live = reader.garage.monitor.floor.first_at(1)
    assert live is not None
    assert live.record.wallet == full.id


async def test_who_copies_a_tag_from_the_ledger_comes_after_and_costs_little(reader: Reader) -> None:
    """Forty mandates of a thief name a resident's tag: the resident's goes first, and where that is used up
    the tap is tried under a few of the others."""
    resident, thief = wallet("resident"), wallet("thief")
    await reader.garage.fund(resident, 300)
    await reader.grant(resident, period_cap=300)
    await reader.garage.fund(thief, 1)
    for _ in range(40):
        await reader.grant(thief)
    await reader.redeem(thief, 1)
    tried: list[str] = []
    submit = reader.garage.submitter.submit

    async def counted(function: str, arguments: Sequence[bytes], namespace: str | None = None) -> Committed:
        tried.append(function)
        return await submit(function, arguments, namespace)

    reader.garage.submitter.submit = counted  # type: ignore[method-assign]
    await reader.tap(1)
    live = reader.garage.monitor.floor.first_at(1)
    assert live is not None and live.record.wallet == resident.id
    assert tried == ["session.open_under_mandate"]
    tried.clear()
    await reader.tap(2)
    assert len(tried) == MOST_TRIED and reader.garage.monitor.floor.first_at(2) is None


async def test_a_revoked_mandate_opens_nothing(reader: Reader) -> None:
    """From the moment that the ledger knows."""
    resident = wallet()
    await reader.garage.fund(resident, 1_000)
    mandate = await reader.grant(resident)
    intent = RevokeIntent(
        network=CHANNEL,
        wallet=resident.id,
        nonce=new_nonce(),
        expires=reader.garage.now + 600,
        issuer=CODE,
        mandate=mandate,
    )
    await reader.garage.submitter.submit("mandate.revoke", list(resident.sign(intent)))
    await reader.garage.world.settle()
    await reader.tap(1)
    assert len(reader.garage.monitor.floor) == 0
