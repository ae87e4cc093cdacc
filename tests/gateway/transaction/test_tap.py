"""A tag at a unit's reader, or plugging in, opens a session where a mandate permits it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from chaincode.signing import domain
from chaincode.signing.intent import (
    MandateIntent,
    RedeemIntent,
    RevokeIntent,
    TransferIntent,
    intent_id,
    new_nonce,
)
from chaincode.signing.request import RequestKind, StartRequest, tag_hash
from gateway.metering.received import RequestReceived
from gateway.monitor.admission import Admission
from gateway.projection.follower import Follower
from gateway.settings import ChargingSettings
from gateway.transaction.tap import MOST_TRIED, Taps
from network.ledger import Committed
from tests.chaincode.world import PartyWallet
from tests.gateway.garage import CHANNEL, CODE, Car, Garage, Socket, wallet

TAG = tag_hash(bytes(16), b"04a1b2c3")


class Reader:
    """A garage with a reader at each unit."""

    def __init__(self, garage: Garage) -> None:
        self.tried = 0
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
            admission=Admission(garage.monitor, ChargingSettings(idle_per_wallet=1)),
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

    async def revoke(self, resident: PartyWallet, mandate: str) -> None:
        """The resident ends a mandate."""
        intent = RevokeIntent(
            network=CHANNEL,
            wallet=resident.id,
            nonce=new_nonce(),
            expires=self.garage.now + 600,
            issuer=CODE,
            mandate=mandate,
        )
        await self.garage.submitter.submit("mandate.revoke", list(resident.sign(intent)))
        await self.garage.world.settle()

    async def transfer(self, resident: PartyWallet, to: PartyWallet, amount: int) -> None:
        """One wallet gives tokens to another."""
        given = TransferIntent(
            network=CHANNEL,
            wallet=resident.id,
            nonce=new_nonce(),
            expires=self.garage.now + 600,
            issuer=CODE,
            to=to.id,
            amount=amount,
        )
        await self.garage.submitter.submit("token.transfer", list(resident.sign(given)))
        await self.garage.world.settle()

    def count_tries(self) -> None:
        """From now on count, in `tried`, the mandates that the ledger is asked to open a session under."""
        submit = self.garage.submitter.submit

        async def counted(
            function: str, arguments: Sequence[bytes], namespace: str | None = None
        ) -> Committed:
            self.tried += function == "session.open_under_mandate"
            return await submit(function, arguments, namespace)

        self.garage.submitter.submit = counted  # type: ignore[method-assign]

    def payer(self, unit: int) -> str | None:
        """The wallet whose session is under way at a unit."""
        live = self.garage.monitor.floor.first_at(unit)
        return None if live is None else live.record.wallet

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

    async def tap(
        self, unit: int, tag: bytes = TAG, kind: RequestKind = RequestKind.TAG, age: int = 0
    ) -> RequestReceived:
        """Somebody holds a tag to a unit's reader, or plugs in there, `age` seconds ago."""
        self.number += 1
        socket = self.garage.sockets[unit]
        request = StartRequest(
            kind, unit, socket.network, socket.boot, self.number, self.garage.now - age, tag
        )
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


async def test_who_copies_a_tag_from_the_ledger_comes_after(reader: Reader) -> None:
    """A thief with money names a resident's tag: the resident's goes first, also when granted anew; for
    a tap that the resident's cap does not cover the thief may pay."""
    resident, thief = wallet("resident"), wallet("thief")
    for each in (resident, thief):
        await reader.garage.fund(each, 1_000)
    mandate = await reader.grant(resident)
    await reader.grant(thief)
    await reader.revoke(resident, mandate)
    await reader.grant(resident, period_cap=300)
    await reader.tap(1)
    await reader.garage.run(180)
    reader.count_tries()
    await reader.tap(2)
    assert (reader.payer(1), reader.payer(2), reader.tried) == (resident.id, thief.id, 1)


@pytest.mark.parametrize(
    "terms",
    [
        {"session_cap": 1},
        {"session_cap": 1_000_000, "period_cap": 1},
        {"price_limit": 1},
        {},
    ],
    ids=["small", "capped", "cheap", "penniless"],
)
@pytest.mark.parametrize("plugged", [True, False], ids=["plug", "tag"])
async def test_mandates_that_open_nothing_keep_nobody_from_charging(
    reader: Reader, terms: dict[str, object], plugged: bool
) -> None:
    """A thief's twenty came before the resident's: none of them costs the ledger a try."""
    resident, thief = wallet("resident"), wallet("thief")
    use = {"tags": (), "units": (1, 2)} if plugged else {}
    await reader.garage.fund(thief, 500 if terms else 1)
    for _ in range(20):
        await reader.grant(thief, **(use | terms))
    await reader.garage.fund(resident, 1_000)
    await reader.grant(resident, **use)
    reader.count_tries()
    kind = RequestKind.PLUGGED_IN if plugged else RequestKind.TAG
    await reader.tap(1, tag=bytes(16) if plugged else TAG, kind=kind)
    assert (reader.payer(1), reader.tried) == (resident.id, 1)


async def test_a_balance_that_wanders_fills_no_places(reader: Reader) -> None:
    """A thief's money goes through more wallets than are tried, each of which grants; one of them has it."""
    resident, wallets = wallet("resident"), [wallet(f"thief {n}") for n in range(MOST_TRIED + 2)]
    await reader.garage.fund(wallets[0], 100)
    for each, following in zip(wallets, [*wallets[1:], wallet("purse")], strict=True):
        await reader.grant(each)
        await reader.transfer(each, following, 100)
    await reader.garage.fund(resident, 1_000)
    await reader.grant(resident)
    await reader.tap(1)
    assert reader.payer(1) == resident.id


async def test_a_wallet_is_tried_once_and_so_many_wallets_at_most(reader: Reader) -> None:
    """Where the ledger refuses what seemed to permit it."""
    reader.count_tries()
    for number in (3, MOST_TRIED + 1):
        for n in range(number):
            thief = wallet(f"thief {n}")
            await reader.garage.fund(thief, 100)
            await reader.grant(thief)
            await reader.grant(thief)
        reader.tried = 0
        # Older than the ledger takes: each is refused there.
        await reader.tap(1, age=1_000)
        assert (reader.payer(1), reader.tried) == (None, min(number, MOST_TRIED))


async def test_a_tap_is_held_to_what_an_intent_is(reader: Reader) -> None:
    """One session without a vehicle is all that this wallet may have."""
    resident = wallet()
    await reader.garage.fund(resident, 1_000)
    await reader.grant(resident)
    for socket in reader.garage.sockets.values():
        socket.car = None
    await reader.tap(1)
    await reader.tap(2)
    assert (reader.payer(1), reader.payer(2)) == (resident.id, None)
    assert await reader.garage.balance(resident) == 700


async def test_a_revoked_mandate_opens_nothing(reader: Reader) -> None:
    """From the moment that the ledger knows."""
    resident = wallet()
    await reader.garage.fund(resident, 1_000)
    mandate = await reader.grant(resident)
    await reader.revoke(resident, mandate)
    await reader.tap(1)
    assert len(reader.garage.monitor.floor) == 0
