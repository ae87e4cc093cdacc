"""Receipts: every kind verifies, and none that was touched does."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaincode.fields import encode
from chaincode.signing.intent import RotateKeyIntent, new_nonce
from chaincode.signing.receipt import Receipt, decode_receipt
from client.auditor.errors import ReceiptError
from client.auditor.receipt import VerifiedReceipt, check_receipt, verify_receipt
from network.authority import Authority
from tests.chaincode.world import HOUR, PartyWallet
from tests.client.residence import CHANNEL, START, Bridge, Resident, opened, registered
from tests.examples import examples

Authorities = dict[str, Authority]


async def verified(party: Resident, session: str, authorities: Authorities) -> VerifiedReceipt:
    """What a session's receipt proves to a holder of Aurora's root."""
    receipt = await party.receipt(session)
    return await check_receipt(receipt.encode(), authorities["aurora"].root)


async def test_a_settled_session_is_proven(aurora: Resident, authorities: Authorities) -> None:
    """Bill, tariff, condominium and metering come out of the file and the root certificate alone."""
    unit, wallet = await aurora.enrol(7), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await aurora.charge(wallet, unit, [1_000_000, 6_000_000, 16_000_000])
    proven = await verified(aurora, session, authorities)
    assert proven.session.settlement is not None
    assert (proven.session.settlement.cost, proven.session.settlement.refund) == (300, 200)
    assert (proven.session.wallet, proven.session.metering) == (wallet.id, "signed")
    assert (proven.condominium.code, proven.tariff.number, proven.network) == ("aurora", 1, CHANNEL)


async def test_an_attested_session_says_so(aurora: Resident, authorities: Authorities) -> None:
    """A unit that cannot sign leaves a receipt that says whose word it is."""
    unit, wallet = await aurora.enrol(3, "mac"), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await aurora.charge(wallet, unit, [0, 5_000_000])
    assert (await verified(aurora, session, authorities)).session.metering == "attested"


async def test_a_neighbours_session_is_not_in_it(aurora: Resident, authorities: Authorities) -> None:
    """The meter's row before the session is left out, so nobody else's session is in a receipt."""
    unit, maria, rui = await aurora.enrol(7), PartyWallet(), PartyWallet()
    await aurora.fund(maria, 1_000)
    await aurora.fund(rui, 1_000)
    neighbours = await aurora.charge(rui, unit, [0, 5_000_000])
    session = await aurora.charge(maria, unit, [5_000_000, 9_000_000])
    receipt = await aurora.receipt(session)
    assert not any(rui.id.encode() in proof.transaction for proof in receipt.proofs)
    assert not any(neighbours.encode() in proof.transaction for proof in receipt.proofs)
    proven = await check_receipt(receipt.encode(), authorities["aurora"].root)
    assert proven.session.settlement is not None
    assert proven.session.settlement.energy == 4_000_000


async def test_a_session_settled_without_a_start_is_proven(
    aurora: Resident, authorities: Authorities
) -> None:
    """Where no start reached the ledger, the settlement carries both readings."""
    unit, wallet = await aurora.enrol(7), PartyWallet()
    await aurora.fund(wallet, 1_000)
    await aurora.charge(wallet, unit, [0, 1_000_000], amount=100)
    session = await aurora.open(wallet, unit)
    first = unit.evidence(session, aurora.now, 1_000_000)
    last = unit.evidence(session, aurora.wait(HOUR), 3_000_000)
    await aurora.submit("session.settle", session.encode(), b"Remote", first, last)
    proven = await verified(aurora, session, authorities)
    assert proven.session.settlement is not None
    assert proven.session.settlement.cost == 40


async def test_a_cancelled_session_is_proven(aurora: Resident, authorities: Authorities) -> None:
    """Everything came back, and the file shows it."""
    unit, wallet = await aurora.enrol(7), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await aurora.open(wallet, unit)
    await aurora.submit("session.cancel", session.encode())
    assert (await verified(aurora, session, authorities)).session.state == "cancelled"


async def test_a_stopped_and_reclaimed_session_is_proven(aurora: Resident, authorities: Authorities) -> None:
    """The wallet's stop and reclaim are transactions of the session like the others."""
    unit, wallet = await aurora.enrol(7), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await aurora.open(wallet, unit)
    await aurora.submit("session.start", session.encode(), unit.evidence(session, aurora.now, 0))
    await aurora.submit("session.stop", *wallet.sign(aurora.stop_intent(wallet, session)))
    aurora.wait(11 * HOUR)
    await aurora.submit("session.reclaim", *wallet.sign(aurora.reclaim_intent(wallet, session)))
    proven = await verified(aurora, session, authorities)
    assert proven.session.state == "reclaimed"
    assert proven.session.settlement is not None
    assert proven.session.settlement.refund == 500


async def test_a_session_under_a_later_key_is_proven(aurora: Resident, authorities: Authorities) -> None:
    """The rotation that the wallet signed is in the receipt, so its new key is proven to be its own."""
    unit, wallet, later = await aurora.enrol(7), PartyWallet(), PartyWallet()
    await aurora.fund(wallet, 1_000)
    rotation = RotateKeyIntent(
        network=CHANNEL,
        wallet=wallet.id,
        nonce=new_nonce(),
        expires=aurora.now + 600,
        issuer="aurora",
        key=later.id,
    )
    body, signature = wallet.sign(rotation)
    await aurora.submit("wallet.rotate_key", body, signature, later.sign(body)[1])
    rotated = PartyWallet(later.key, wallet.id)
    session = await aurora.charge(rotated, unit, [0, 5_000_000])
    proven = await verified(aurora, session, authorities)
    assert (proven.session.wallet, proven.session.wallet_key) == (wallet.id, later.id)


async def test_a_visitors_session_is_proven(bridge: Bridge, authorities: Authorities) -> None:
    """Host and issuer are two namespaces of one transaction; the receipt has both."""
    aurora = await registered("aurora", bridge, authorities)
    boreal = await registered("boreal", bridge, authorities)
    unit, wallet = await aurora.enrol(7), PartyWallet()
    await boreal.fund(wallet, 1_000)
    session = await aurora.charge(wallet, unit, [0, 10_000_000], issuer="boreal")
    proven = await verified(aurora, session, authorities)
    assert (proven.session.issuer, proven.condominium.code) == ("boreal", "aurora")
    assert proven.session.settlement is not None
    assert proven.session.settlement.cost == 200


async def test_a_session_that_has_not_ended_is_no_receipt(aurora: Resident, authorities: Authorities) -> None:
    """What is proven so far is not passed off as the end."""
    unit, wallet = await aurora.enrol(7), PartyWallet()
    await aurora.fund(wallet, 1_000)
    session = await aurora.open(wallet, unit)
    with pytest.raises(ReceiptError, match="has not ended"):
        await verified(aurora, session, authorities)


@pytest.fixture(scope="module")
def charged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Receipt, bytes, Receipt]]:
    """A receipt with a checkpoint, Aurora's root, and the receipt of another session."""
    authorities = {code: Authority.create(code, START) for code in ("aurora", "boreal")}

    async def charge(folder: Path) -> tuple[Receipt, bytes, Receipt]:
        async with opened(folder, authorities) as bridge:
            aurora = await registered("aurora", bridge, authorities)
            unit, wallet = await aurora.enrol(7), PartyWallet()
            await aurora.fund(wallet, 1_000)
            one = await aurora.charge(wallet, unit, [1_000_000, 6_000_000, 16_000_000])
            other = await aurora.charge(wallet, unit, [16_000_000, 17_000_000])
            return await aurora.receipt(one), authorities["aurora"].root, await aurora.receipt(other)

    yield asyncio.run(charge(tmp_path_factory.mktemp("receipt")))


def test_it_verifies_untouched(charged: tuple[Receipt, bytes, Receipt]) -> None:
    """What the forgeries below begin with is good."""
    receipt, root, _ = charged
    proven = verify_receipt(receipt.encode(), root)
    assert decode_receipt(receipt.encode()) == receipt
    assert proven.session.settlement is not None


@settings(max_examples=examples(300), deadline=None)
@given(data=st.data())
def test_no_byte_can_be_changed(charged: tuple[Receipt, bytes, Receipt], data: st.DataObject) -> None:
    """Whichever byte of the file is replaced by whichever other, it is no receipt any more."""
    receipt, root, _ = charged
    file = bytearray(receipt.encode())
    place = data.draw(st.integers(0, len(file) - 1))
    file[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ReceiptError):
        verify_receipt(bytes(file), root)


@settings(max_examples=examples(200), deadline=None)
@given(data=st.data())
def test_no_bit_of_what_was_signed_can_be_changed(
    charged: tuple[Receipt, bytes, Receipt], data: st.DataObject
) -> None:
    """The same beneath the encoding: header, signature, transaction, index and path of each proof."""
    receipt, root, _ = charged
    number = data.draw(st.integers(0, len(receipt.proofs) - 1))
    proof = receipt.proofs[number]
    name = data.draw(st.sampled_from(["header", "signature", "transaction", "index", "path"]))
    changes: dict[str, Any] = {"index": proof.index + 1, "path": (*proof.path, bytes(32))}
    if name not in changes:
        value = bytearray(getattr(proof, name))
        value[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        changes[name] = bytes(value)
    changed = replace(proof, **{name: changes[name]})
    proofs = (*receipt.proofs[:number], changed, *receipt.proofs[number + 1 :])
    with pytest.raises(ReceiptError):
        verify_receipt(replace(receipt, proofs=proofs).encode(), root)


def test_a_certificate_has_one_spelling(charged: tuple[Receipt, bytes, Receipt]) -> None:
    """PEM readers pass over white space and what stands around a certificate; a receipt's does not."""
    receipt, root, _ = charged
    first = receipt.proofs[0]
    pem = first.certificate
    for spelling in (b" " + pem, pem + b"paid in cash\n", pem.replace(b"\n", b"\r\n"), pem.strip()):
        proofs = (replace(first, certificate=spelling), *receipt.proofs[1:])
        with pytest.raises(ReceiptError, match="certificate"):
            verify_receipt(replace(receipt, proofs=proofs).encode(), root)


def test_no_proof_can_be_left_out_or_doubled(charged: tuple[Receipt, bytes, Receipt]) -> None:
    """Each transaction of the session, and each that they read, is needed; a checkpoint too."""
    receipt, root, _ = charged
    for number in range(len(receipt.proofs)):
        without = receipt.proofs[:number] + receipt.proofs[number + 1 :]
        with pytest.raises(ReceiptError):
            verify_receipt(replace(receipt, proofs=without).encode(), root)
        doubled = receipt.proofs[:number] + receipt.proofs[number : number + 1] + receipt.proofs[number:]
        with pytest.raises(ReceiptError, match="order"):
            verify_receipt(replace(receipt, proofs=doubled).encode(), root)


def test_it_is_for_one_session_network_and_root(charged: tuple[Receipt, bytes, Receipt]) -> None:
    """Another's proofs, another channel's name or another condominium's root prove nothing."""
    receipt, root, other = charged
    for wrong in (
        replace(receipt, session=other.session),
        replace(receipt, proofs=other.proofs),
        replace(receipt, network="elsewhere"),
        replace(receipt, session="00" * 32),
        replace(receipt, proofs=()),
    ):
        with pytest.raises(ReceiptError):
            verify_receipt(wrong.encode(), root)
    with pytest.raises(ReceiptError, match="ledger's certificate"):
        verify_receipt(receipt.encode(), Authority.create("aurora").root)
    with pytest.raises(ReceiptError, match="certificate"):
        verify_receipt(receipt.encode(), b"no certificate")


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members | {"paid": 0},
        lambda members: members | {"version": 2},
        lambda members: members | {"kind": "another"},
        lambda members: {name: value for name, value in members.items() if name != "proofs"},
        lambda members: members | {"proofs": "none"},
        lambda members: members | {"session": 7},
        lambda members: members | {"proofs": [members["proofs"][0] | {"note": "paid in cash"}]},
    ],
)
def test_nothing_may_stand_beside_the_proofs(
    charged: tuple[Receipt, bytes, Receipt], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """A member that nobody signed could be believed by somebody, so there is none."""
    receipt, root, _ = charged
    with pytest.raises(ReceiptError):
        verify_receipt(encode(change(json.loads(receipt.encode()))), root)


@settings(max_examples=examples(200), deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_else_is_refused(file: bytes) -> None:
    """Whatever the file holds, the answer is one kind of error."""
    with pytest.raises(ReceiptError):
        verify_receipt(file, b"")


def test_base64_has_one_spelling(charged: tuple[Receipt, bytes, Receipt]) -> None:
    """The unused bits at the end of a base64 value cannot carry a mark."""
    receipt, root, _ = charged
    members = json.loads(receipt.encode())
    for proof in members["proofs"]:
        value = proof["signature"]
        if value.endswith("="):
            stem = value.rstrip("=")
            alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            twin = stem[:-1] + alphabet[alphabet.index(stem[-1]) + 1] + "=" * (len(value) - len(stem))
            assert base64.b64decode(twin) == base64.b64decode(value)
            proof["signature"] = twin
            with pytest.raises(ReceiptError, match="exactly"):
                verify_receipt(encode(members), root)
            return
    pytest.fail("no signature had a length that leaves bits unused")
