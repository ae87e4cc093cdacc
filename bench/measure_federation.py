"""What a session costs as members grow, what a condominium's node weighs, and how long a commit takes.

For 2, 4 and 6 members with BFT ordering: endorsements and bytes of a session's transactions, at home and as
a visitor, and the processor time of all members' processes together. With four: memory of one member's peer,
orderer, chaincode server and supervisor, idle and loaded, and the time from submitting an open intent to its
commit, block time 200 ms.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from fabric_protos.common import common_pb2
from fabric_protos.peer import transaction_pb2
from nacl.signing import SigningKey

from bench.federation import CODES, NAMESPACE, Network, federation, load
from bench.residents import CODE, SESSION_SECONDS, Clock, Load, Session
from bench.result import Result
from chaincode.condominium import namespace_of
from network.fabric import FabricLedger
from network.ledger import Committed, Transaction

MEMBERS = (2, 4, 6)
RESIDENTS = 16
ROUNDS = 4
_MEMORY_AND_LATENCY = 4


@dataclass(frozen=True)
class _Cost:
    """Of one session."""

    endorsements: float
    size: float
    """Bytes of its transactions on the chain."""
    cpu: float
    """Milliseconds of all members' processes."""


def measure() -> list[Result]:
    """One network after the other."""
    results = []
    for members in MEMBERS:
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as folder,
            federation(Path(folder) / "network", members, "bft") as network,
        ):
            results += asyncio.run(_measure(network, members))
    return results


async def _measure(network: Network, members: int) -> list[Result]:
    clock = Clock(int(time.time()))
    idle = network.memory(CODE)
    ready, admin, gateway = await load(network, clock, RESIDENTS)
    await _charge(ready, gateway, clock, 1)
    results = []
    opened: list[float] = []
    for visiting in (False, True):
        if visiting:
            await _become_visitors(network, ready, clock)
        before = network.cpu_seconds()
        committed = await _charge(ready, gateway, clock, ROUNDS, opened)
        spent = network.cpu_seconds() - before
        sessions = ROUNDS * RESIDENTS
        cost = await _cost(gateway, committed[-3:], spent / sessions * 1000)
        who = "a visitor's session" if visiting else "a session at home"
        results += _results(who, members, cost)
    if members == _MEMORY_AND_LATENCY:
        results += _node(network, idle, opened)
    await admin.close()
    await gateway.close()
    return results


def _results(who: str, members: int, cost: _Cost) -> list[Result]:
    figures = (
        ("endorsements", cost.endorsements, ""),
        ("on the chain", cost.size, "bytes"),
        ("processor time of all members", cost.cpu, "ms"),
    )
    return [
        Result(id="cost", what=f"{who}, {members} members: {what}", value=value, unit=unit, reference="")
        for what, value, unit in figures
    ]


def _node(network: Network, idle: float, opened: list[float]) -> list[Result]:
    what = "memory of a condominium's peer, orderer and chaincode server, 4 members"
    quantiles = statistics.quantiles(opened, n=100)
    return [
        Result(id="memory", what=f"{what}, idle", value=idle, unit="MiB", reference=""),
        Result(
            id="memory",
            what=f"{what}, loaded",
            value=network.memory(CODE),
            unit="MiB",
            reference="a 4 GB board",
            reference_value=4096.0,
        ),
        Result(
            id="P6",
            what=f"open intent to commit, 4 members, BFT, {RESIDENTS} at once, median",
            value=quantiles[49] * 1000,
            unit="ms",
            reference="",
        ),
        Result(
            id="P6",
            what=f"open intent to commit, 4 members, BFT, {RESIDENTS} at once, 99th percentile",
            value=quantiles[98] * 1000,
            unit="ms",
            reference="",
            target="under 1,000 ms",
        ),
    ]


async def _become_visitors(network: Network, ready: Load, clock: Clock) -> None:
    """From now on the residents pay with another condominium's tokens."""
    issuer = CODES[1]
    admin, gateway = network.ledger(issuer, clock, admin=True), network.ledger(issuer, clock)
    registration = {
        "code": issuer,
        "name": "Boreal",
        "currency": "EUR",
        "decimals": 2,
        "grace": 3_600,
        "signing_key": bytes(SigningKey.generate().verify_key).hex(),
    }
    namespace = namespace_of(issuer)
    await admin.submit(namespace, "condominium.register", [json.dumps(registration).encode()])
    for resident in ready.residents:
        sale = {
            "reference": f"transfer-{resident.unit}",
            "wallet": bytes(resident.wallet.verify_key).hex(),
            "amount": 1_000_000,
        }
        await gateway.submit(namespace, "token.issue", [json.dumps(sale).encode()])
        resident.issuer = issuer
    await admin.close()
    await gateway.close()


async def _charge(
    ready: Load, gateway: FabricLedger, clock: Clock, rounds: int, opened: list[float] | None = None
) -> list[Committed]:
    """Whole sessions of all residents; returns their transactions, a session's three together."""
    done: list[Committed] = []

    async def charge(session: Session) -> None:
        clock.set(session.opened)
        begin = time.perf_counter()
        first = await gateway.submit(NAMESPACE, *session.open)
        if opened is not None:
            opened.append(time.perf_counter() - begin)
        second = await gateway.submit(NAMESPACE, *session.start)
        clock.set(session.opened + SESSION_SECONDS)
        third = await gateway.submit(NAMESPACE, *session.settle)
        done.extend((first, second, third))

    for _ in range(rounds):
        await asyncio.gather(*(charge(resident.session()) for resident in ready.residents))
    return done


async def _cost(gateway: FabricLedger, committed: list[Committed], cpu: float) -> _Cost:
    transactions = [await _find(gateway, each) for each in committed]
    return _Cost(
        endorsements=sum(_endorsements(each) for each in transactions),
        size=sum(len(each.envelope) for each in transactions),
        cpu=cpu,
    )


async def _find(gateway: FabricLedger, committed: Committed) -> Transaction:
    block = await gateway.block(committed.block)
    return next(each for each in block.transactions if each.id == committed.transaction_id)


def _endorsements(transaction: Transaction) -> int:
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(transaction.envelope).payload)
    (proposed,) = transaction_pb2.Transaction.FromString(payload.data).actions
    action = transaction_pb2.ChaincodeActionPayload.FromString(proposed.payload).action
    return len(action.endorsements)
