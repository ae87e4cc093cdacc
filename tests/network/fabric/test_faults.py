"""Orderers, peers, chaincode servers and gateways that die or freeze under load: nothing lost, nothing twice.

Cut off by the network they are in `test_partition.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable

import pytest
from fabric_protos.common import common_pb2

from chaincode.condominium import namespace_of
from network.fabric import gateway
from network.ledger import VALID
from tests.federation import Network
from tests.network.fabric.load import Ledgers, Load, caught_up, leader, said

pytestmark = [pytest.mark.fabric, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.mark.parametrize("which", ["leader", "follower"])
async def test_one_orderer_of_four_is_killed(
    which: str,
    federation: Network,
    ledgers: Ledgers,
    name: str,
    record_property: Callable[[str, object], None],
) -> None:
    """Service goes on without it, and it catches up when it comes back."""
    leading = await leader(federation)
    victim = leading if which == "leader" else next(code for code in ledgers if code != leading)
    try:
        async with Load(ledgers, name) as load:
            await load.more(3)
            federation.kill(victim, "orderer", held=True)
            await load.more(5)
    finally:
        await federation.release(victim, "orderer")
    await load.check()
    await caught_up(federation)
    said(record_property, load)


async def test_one_orderer_of_four_is_frozen(
    federation: Network, ledgers: Ledgers, name: str, record_property: Callable[[str, object], None]
) -> None:
    """A process that holds its connections and answers nothing (SIGSTOP) stops nobody else."""
    leading = await leader(federation)
    victim = next(code for code in ledgers if code != leading)
    number = federation.process(victim, "orderer")
    async with Load(ledgers, name) as load:
        await load.more(3)
        os.kill(number, signal.SIGSTOP)
        try:
            await load.more(5)
        finally:
            os.kill(number, signal.SIGCONT)
    await load.check()
    await caught_up(federation)
    said(record_property, load)


async def test_one_peer_of_four_is_killed(
    federation: Network, ledgers: Ledgers, name: str, record_property: Callable[[str, object], None]
) -> None:
    """The other condominiums go on; the one whose peer died goes on when it is back."""
    victim, *others = ledgers
    async with Load(ledgers, name) as load:
        await load.more(3)
        federation.kill(victim, "peer", held=True)
        try:
            await load.more(5, *others)
        finally:
            await federation.release(victim, "peer")
        await load.more(2)
    await load.check()
    await caught_up(federation)
    said(record_property, load)


async def test_the_chaincode_server_is_killed_in_mid_transaction(
    federation: Network, ledgers: Ledgers, name: str
) -> None:
    """The transaction under way is run again by the server that takes its place, and commits once."""
    code = "boreal"
    under_way = asyncio.create_task(ledgers[code].submit(namespace_of(code), "linger", [name.encode(), b"1"]))
    await asyncio.sleep(0.5)
    federation.kill(code, "chaincode")
    committed = await under_way
    assert (await ledgers[code].commit_status(committed.transaction_id)).validation == VALID
    answer = await ledgers[code].evaluate(namespace_of(code), "get", [name.encode()])
    assert json.loads(answer) == "done"


async def test_an_orderer_dies_with_a_transaction_that_it_took(
    ledgers: Ledgers, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accepted and in no block: the same transaction is handed over again, and commits once."""
    ledger, namespace = ledgers["cedar"], namespace_of("cedar")
    hand_over = ledger.gateway.hand_over
    lost: list[str] = []

    async def lose_the_first(
        transaction_id: str, envelope: common_pb2.Envelope, seconds: float | None = None
    ) -> None:
        if lost:
            await hand_over(transaction_id, envelope, seconds)
        lost.append(transaction_id)

    monkeypatch.setattr(gateway, "REMINDER_SECONDS", 1.0)
    monkeypatch.setattr(ledger.gateway, "hand_over", lose_the_first)
    committed = await ledger.submit(namespace, "add", [name.encode(), b"1"])
    assert len(lost) > 1
    assert set(lost) == {committed.transaction_id}
    assert json.loads(await ledger.evaluate(namespace, "get", [name.encode()])) == "1"


async def test_a_gateway_dies_between_endorse_and_submit(ledgers: Ledgers, name: str) -> None:
    """Nothing was ordered, so its successor does it, once."""
    ledger, namespace = ledgers["cedar"], namespace_of("cedar")
    proposal = ledger.gateway.propose(namespace, [b"add", name.encode(), b"1"])
    await ledger.gateway.endorse(proposal)
    await ledger.submit(namespace, "add", [name.encode(), b"1"])
    assert json.loads(await ledger.evaluate(namespace, "get", [name.encode()])) == "1"


async def test_a_gateway_dies_between_submit_and_commit(ledgers: Ledgers, name: str) -> None:
    """Its successor learns the outcome from the transaction's id; handing it over again changes nothing."""
    ledger, namespace = ledgers["cedar"], namespace_of("cedar")
    proposal = ledger.gateway.propose(namespace, [b"add", name.encode(), b"1"])
    envelope, _ = await ledger.gateway.endorse(proposal)
    await ledger.gateway.hand_over(proposal.transaction_id, envelope)
    assert (await ledger.commit_status(proposal.transaction_id)).validation == VALID
    await ledger.gateway.hand_over(proposal.transaction_id, envelope)
    await ledger.submit(namespace, "put", [f"{name} after".encode(), b"x"])
    assert json.loads(await ledger.evaluate(namespace, "get", [name.encode()])) == "1"
    assert (await ledger.commit_status(proposal.transaction_id)).validation == VALID
