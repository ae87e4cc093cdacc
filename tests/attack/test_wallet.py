"""A thief who holds a wallet: spend twice, replay an intent, get a refund for energy that was taken."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chaincode.errors import ContractError, InvalidArgument, NotAuthorised, StateConflict
from chaincode.signing import domain
from chaincode.signing.intent import (
    RedeemIntent,
    RotateKeyIntent,
    TransferIntent,
    new_nonce,
)
from gateway.monitor.admission import Admission
from gateway.monitor.session import Patience
from gateway.settings import ChargingSettings
from tests.chaincode.memory import MemoryLedger
from tests.chaincode.world import HOUR, PartyCondominium, PartyWallet, condominium, secret_of
from tests.gateway.garage import Garage, Socket


def _transfer(aurora: PartyCondominium, wallet: PartyWallet, to: str, amount: int) -> TransferIntent:
    return TransferIntent(
        network=aurora.ledger.channel,
        wallet=wallet.id,
        nonce=new_nonce(),
        expires=aurora.now + 600,
        issuer=aurora.code,
        to=to,
        amount=amount,
    )


async def test_locking_more_than_it_holds() -> None:
    """Two intents that together lock more than the balance: the second is refused."""
    aurora = await condominium()
    unit, thief = await aurora.enrol(1), PartyWallet()
    await aurora.fund(thief, 600)
    await aurora.open(thief, unit, amount=500)
    with pytest.raises(StateConflict, match="at most 100"):
        await aurora.open(thief, unit, amount=500)
    with pytest.raises(StateConflict, match="at most 100"):
        await aurora.submit("token.transfer", *thief.sign(_transfer(aurora, thief, "ab" * 32, 500)))


async def test_replaying_a_settled_intent_opens_nothing() -> None:
    """The same intent after its session has ended answers the ended session and locks nothing."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    signed = wallet.sign(aurora.intent(wallet, unit))
    session = (await aurora.submit("session.open", *signed))["id"]
    await aurora.submit("session.cancel", session.encode())
    before = await aurora.balance(wallet)
    assert (await aurora.submit("session.open", *signed))["state"] == "cancelled"
    assert await aurora.balance(wallet) == before


async def test_an_expired_intent_is_refused() -> None:
    """An intent is worth nothing after its expiry, nor with an expiry far ahead."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    for expires in (aurora.now - 1, aurora.now + 30 * 86_400):
        with pytest.raises(NotAuthorised, match="expires"):
            await aurora.open(wallet, unit, expires=expires)


async def test_an_altered_intent_is_refused() -> None:
    """Any byte of the body changed after signing breaks the signature."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    body, signature = wallet.sign(aurora.intent(wallet, unit, amount=900))
    altered = body.replace(b'"amount":900', b'"amount":100')
    assert altered != body
    with pytest.raises(NotAuthorised, match="signature"):
        await aurora.submit("session.open", altered, signature)


async def test_an_intent_for_another_network_or_condominium_is_refused() -> None:
    """An intent is good on the channel and at the condominium that it names."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    with pytest.raises(NotAuthorised, match="network"):
        await aurora.open(wallet, unit, network="elsewhere")
    with pytest.raises(NotAuthorised, match="condominium"):
        await aurora.open(wallet, unit, condominium="boreal")


async def test_an_intent_of_another_kind_is_refused() -> None:
    """A stop intent cannot reclaim, a transfer cannot open; a query's signature is no intent's."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await aurora.open(wallet, unit)
    with pytest.raises(InvalidArgument, match="kind"):
        await aurora.submit("session.reclaim", *wallet.sign(aurora.stop_intent(wallet, session)))
    with pytest.raises(InvalidArgument, match="kind"):
        await aurora.submit("session.open", *wallet.sign(_transfer(aurora, wallet, "ab" * 32, 5)))
    body = aurora.intent(wallet, unit).encode()
    with pytest.raises(NotAuthorised, match="signature"):
        query = domain.sign(secret_of(wallet.key), domain.QUERY, body)
        await aurora.submit("session.open", body, query)


async def test_no_refund_for_energy_that_was_taken() -> None:
    """Stopping before the start reached the ledger refunds nothing by itself: the readings still settle."""
    aurora = await condominium()
    unit, thief = await aurora.enrol(1), PartyWallet()
    await aurora.fund(thief, 500)
    session = await aurora.open(thief, unit)
    first = unit.evidence(session, aurora.now, 0)
    await aurora.submit("session.stop", *thief.sign(aurora.stop_intent(thief, session)))
    assert await aurora.balance(thief) == 0
    last = unit.evidence(session, aurora.wait(200), 400_000)
    settled = await aurora.submit("session.settle", session.encode(), b"Remote", first, last)
    assert settled["settlement"]["cost"] == 8
    with pytest.raises(StateConflict):
        await aurora.submit("session.reclaim", *thief.sign(aurora.reclaim_intent(thief, session)))
    assert await aurora.balance(thief) == 492


async def test_another_wallets_tokens_stay_where_they_are() -> None:
    """Transfers and redemptions signed by anybody but the wallet are refused."""
    aurora = await condominium()
    victim, thief = PartyWallet(), PartyWallet()
    await aurora.fund(victim, 500)
    with pytest.raises(NotAuthorised, match="signature"):
        await aurora.submit("token.transfer", *thief.sign(_transfer(aurora, victim, thief.id, 500)))
    redeem = RedeemIntent(
        network=aurora.ledger.channel,
        wallet=victim.id,
        nonce=new_nonce(),
        expires=aurora.now + 60,
        issuer=aurora.code,
        amount=500,
    )
    with pytest.raises(NotAuthorised, match="signature"):
        await aurora.submit("token.redeem", *thief.sign(redeem))


async def test_a_rotated_key_signs_no_more() -> None:
    """After rotation the stolen key opens, transfers and rotates nothing."""
    aurora = await condominium()
    wallet, fresh = PartyWallet(), PartyWallet()
    await aurora.fund(wallet, 500)
    rotate = RotateKeyIntent(
        network=aurora.ledger.channel,
        wallet=wallet.id,
        nonce=new_nonce(),
        expires=aurora.now + 60,
        issuer=aurora.code,
        key=fresh.id,
    )
    body, signature = wallet.sign(rotate)
    with pytest.raises(NotAuthorised, match="proof"):
        await aurora.submit("wallet.rotate_key", body, signature, signature)
    await aurora.submit("wallet.rotate_key", body, signature, fresh.sign(body)[1])
    moving = _transfer(aurora, wallet, "ab" * 32, 5)
    with pytest.raises(NotAuthorised, match="signature"):
        await aurora.submit("token.transfer", *wallet.sign(moving))
    await aurora.submit("token.transfer", *fresh.sign(moving))
    assert await aurora.balance(wallet) == 495


async def test_a_token_of_one_issuer_is_not_spent_in_another_namespace() -> None:
    """A transfer signed for aurora's tokens does not move boreal's."""
    ledger = MemoryLedger()
    aurora, boreal = await condominium("aurora", ledger), await condominium("boreal", ledger)
    wallet = PartyWallet()
    await aurora.fund(wallet, 500)
    await boreal.fund(wallet, 500)
    with pytest.raises(NotAuthorised, match="issuer"):
        await boreal.submit("token.transfer", *wallet.sign(_transfer(aurora, wallet, "ab" * 32, 500)))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": -5}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": 1.5}, "integer"),
        ({"amount": True}, "amount"),
        ({"amount": "5"}, "amount"),
        ({"amount": 10**13}, "amount"),
        ({"wallet": "AB" * 32}, "wallet"),
        ({"wallet": "ab" * 31}, "wallet"),
        ({"unit": 70_000}, "unit"),
        ({"duration": 1}, "duration"),
        ({"extra": 1}, "extra"),
        ({"version": 2}, "version"),
        ({"kind": "gift"}, "kind"),
        ({"issuer": "a\x00b"}, "issuer"),
        ({"energy": 0}, "energy"),
    ],
)
async def test_malformed_intents_name_their_field(change: dict[str, Any], field: str) -> None:
    """Each broken rule of form is named, whoever signed it."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1), PartyWallet()
    members = json.loads(aurora.intent(wallet, unit).encode()) | change
    with pytest.raises(ContractError, match=field):
        await aurora.submit("session.open", *wallet.sign(json.dumps(members).encode()))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b'{"a":1,"a":2}', b"null", b"9" * 5000, b"[" * 9000]
)
async def test_bodies_that_are_no_object_are_refused(body: bytes) -> None:
    """Whatever bytes come, the answer is a rejection that says what an intent is."""
    aurora = await condominium()
    with pytest.raises(InvalidArgument):
        await aurora.submit("session.open", *PartyWallet().sign(body))


async def test_anothers_escrow_is_not_reclaimed() -> None:
    """A reclaim that names the thief's own wallet, signed by it, takes nothing of the victim's session."""
    aurora = await condominium()
    unit, wallet, thief = await aurora.enrol(1), PartyWallet(), PartyWallet()
    await aurora.fund(wallet, 500)
    session = await aurora.open(wallet, unit)
    aurora.wait(12 * HOUR)
    with pytest.raises(NotAuthorised, match="wallet"):
        await aurora.submit("session.reclaim", *thief.sign(aurora.reclaim_intent(thief, session)))
    assert await aurora.balance(wallet) == 0


async def test_an_old_rotation_cannot_be_replayed() -> None:
    """A rotated to B and back: the public intent of the first rotation does not make B the key again."""
    aurora = await condominium()
    wallet, lost = PartyWallet(), PartyWallet()
    await aurora.fund(wallet, 500)

    def rotation(signer: PartyWallet, to: PartyWallet) -> tuple[bytes, bytes, bytes]:
        intent = RotateKeyIntent(
            network=aurora.ledger.channel,
            wallet=wallet.id,
            nonce=new_nonce(),
            expires=aurora.now + 600,
            issuer=aurora.code,
            key=bytes(to.key.verify_key).hex(),
        )
        body, signature = signer.sign(intent)
        return body, signature, to.sign(body)[1]

    first = rotation(wallet, lost)
    await aurora.submit("wallet.rotate_key", *first)
    await aurora.submit("wallet.rotate_key", *rotation(lost, wallet))
    await aurora.submit("wallet.rotate_key", *first, role=None)
    moving = _transfer(aurora, wallet, "ab" * 32, 5)
    with pytest.raises(NotAuthorised, match="signature"):
        await aurora.submit("token.transfer", *lost.sign(moving))
    await aurora.submit("token.transfer", *wallet.sign(moving))


async def test_a_backdated_stop_keeps_the_readings_of_its_quarter_of_an_hour() -> None:
    """A stop dated as far back as Fabric allows does not make the last readings too late to count."""
    aurora = await condominium()
    unit, thief = await aurora.enrol(1), PartyWallet()
    await aurora.fund(thief, 500)
    session = await aurora.open(thief, unit)
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    end = aurora.wait(HOUR)
    aurora.ledger.now -= 840_000
    await aurora.submit("session.stop", *thief.sign(aurora.stop_intent(thief, session)), role=None)
    aurora.ledger.now += 840_000
    last = unit.evidence(session, end, 5_000_000)
    settled = await aurora.submit("session.settle", session.encode(), b"Remote", last)
    assert settled["settlement"]["cost"] == 100


async def test_strangers_write_nothing_on_the_ledger() -> None:
    """A key that never had tokens rotates nothing; a body of white space is refused by its size."""
    aurora = await condominium()
    stranger, fresh = PartyWallet(), PartyWallet()
    rotate = RotateKeyIntent(
        network=aurora.ledger.channel,
        wallet=stranger.id,
        nonce=new_nonce(),
        expires=aurora.now + 60,
        issuer=aurora.code,
        key=fresh.id,
    )
    body, signature = stranger.sign(rotate)
    with pytest.raises(NotAuthorised, match="tokens"):
        await aurora.submit("wallet.rotate_key", body, signature, fresh.sign(body)[1])
    padded, signature = stranger.sign(body + b" " * 5_000)
    with pytest.raises(InvalidArgument, match="at most 4096 bytes"):
        await aurora.submit("wallet.rotate_key", padded, signature, signature)


@pytest.fixture
async def garage(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Garage]:
    """Three sockets, at which nobody waits longer than a quarter of an hour for a vehicle."""
    patience = Patience(plug_in=900)
    opened = await Garage.open(tmp_path, [Socket(n) for n in (1, 2, 3)], patience=patience)
    await opened.run(60)
    yield opened
    await opened.close()


def _ask(admission: Admission, wallet: PartyWallet, unit: int, amount: int) -> None:
    """Ask for one more session."""
    admission.check(new_nonce(), wallet=wallet.id, unit=unit, amount=amount)


async def test_a_wallet_without_a_vehicle_holds_few_sockets_and_not_for_long(garage: Garage) -> None:
    """Two sessions and no third; when the first has found no vehicle both end, and the money is back."""
    thief, admission = PartyWallet(), Admission(garage.monitor, ChargingSettings(least_escrow=100))
    await garage.fund(thief, 1_000)
    sessions = [await garage.open_session(unit, thief, amount=100) for unit in (1, 2)]
    await garage.run(60)
    with pytest.raises(StateConflict, match="at most 2 sessions that have not charged"):
        _ask(admission, thief, 3, 100)
    with pytest.raises(InvalidArgument, match="at least 100"):
        _ask(admission, PartyWallet(), 3, 99)
    await garage.run(1_000)
    for session in sessions:
        assert (await garage.session(session)).state == "settled"
    assert not len(garage.monitor.floor)
    assert await garage.balance(thief) == 1_000
    _ask(admission, thief, 3, 100)


async def test_sessions_opened_all_at_once_are_stopped_beyond_the_limit(garage: Garage) -> None:
    """Intents that pass before any of them is on the ledger gain nothing; a car that charges counts not."""
    thief, admission = PartyWallet(), Admission(garage.monitor, ChargingSettings(idle_per_wallet=1))
    await garage.fund(thief, 1_000)
    await garage.plug_in(1, thief, amount=100)
    await garage.run(120)
    sessions = [await garage.open_session(unit, thief, amount=100) for unit in (2, 3)]
    for session in sessions:
        admission.opened(session)
    await garage.run(200)
    states = sorted([(await garage.session(session)).state for session in sessions])
    assert states in (["cancelled", "started"], ["settled", "started"])


async def test_a_queue_at_a_socket_has_an_end(garage: Garage) -> None:
    """However many wallets a thief makes, and the same intent again is let in as before."""
    admission = Admission(garage.monitor, ChargingSettings(waiting_per_unit=2))
    for _ in range(2):
        thief = PartyWallet()
        await garage.fund(thief, 100)
        session = await garage.open_session(1, thief, amount=100)
        garage.sockets[1].reachable = False
    newcomer = PartyWallet()
    with pytest.raises(StateConflict, match="at most 2 sessions waiting"):
        _ask(admission, newcomer, 1, 100)
    admission.check(session, wallet=thief.id, unit=1, amount=100)
    _ask(admission, newcomer, 2, 100)
