"""P1 and P7 on Fabric: settlements a second, two organisations endorsing, 64 in flight.

The reference for P1 is a chaincode that only does the same state accesses, through Fabric's own Go shim, on
the same network and by the same client; and through Hyperledger's own Python shim, as far as that survives.
P7 fills the state with copies of sessions in between; `BENCH_FABRIC_SESSIONS` sets another number than a
hundred thousand.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from bench.federation import NAMESPACE, Network, federation, load
from bench.residents import CODE, SESSION_SECONDS, Clock, Load
from bench.result import Result
from bench.shims import build_go, fetch_official, go_command, in_place_of_ours, official_command
from network.fabric import FabricLedger, Timeouts
from network.ledger import Committed, LedgerError

IN_FLIGHT = 64
RESIDENTS = 6 * IN_FLIGHT
FEW = 1_000
MANY = int(os.environ.get("BENCH_FABRIC_SESSIONS", "100000"))
_PER_TRANSACTION = 500
_IMPATIENT = Timeouts(evaluate=20.0, endorse=20.0, submit=20.0, commit=20.0)


def measure() -> list[Result]:
    """Run ours, fill, run ours again, then the Go shim on the same network."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        program, official = build_go(Path(folder)), fetch_official(Path(folder))
        with federation(Path(folder) / "network", 2, "raft") as network:
            few, many, accesses = asyncio.run(_ours(network))
            with in_place_of_ours(network, *go_command(program)):
                reference = asyncio.run(_reference(network, accesses))
            with in_place_of_ours(network, *official_command(official)):
                others = asyncio.run(_official(network, accesses, few))
    return [
        *others,
        Result(
            id="P1",
            what="settlements, two organisations endorsing, 64 in flight, Fabric",
            value=few,
            unit="1/s",
            reference="the same state accesses through Fabric's Go shim",
            reference_value=reference,
            target="ratio at least 1.0",
        ),
        Result(
            id="P7",
            what=f"settlements with {MANY:,} sessions in the state, Fabric",
            value=many,
            unit="1/s",
            reference=f"the same with {FEW:,}",
            reference_value=few,
            target="ratio at least 0.9",
        ),
    ]


async def _ours(network: Network) -> tuple[float, float, dict[str, int]]:
    """Settlements a second with few and with many sessions, and what one settlement reads and writes."""
    clock = Clock(int(time.time()))
    ready, admin, gateway = await load(network, clock, RESIDENTS)
    await _fill(gateway, 0, FEW)
    await _settle(ready, gateway, clock)
    few, last = await _settle(ready, gateway, clock)
    await _fill(gateway, FEW, MANY - FEW)
    many, _ = await _settle(ready, gateway, clock)
    accesses = await _accesses(gateway, last)
    await admin.close()
    await gateway.close()
    return few, many, accesses


async def _all(calls: Sequence[Callable[[], Awaitable[Committed]]]) -> tuple[float, list[Committed]]:
    """Calls a second with `IN_FLIGHT` of them at any time, and their outcomes."""
    room = asyncio.Semaphore(IN_FLIGHT)

    async def one(call: Callable[[], Awaitable[Committed]]) -> Committed:
        async with room:
            return await call()

    begin = time.perf_counter()
    done = await asyncio.gather(*(one(call) for call in calls))
    return len(calls) / (time.perf_counter() - begin), done


async def _settle(ready: Load, gateway: FabricLedger, clock: Clock) -> tuple[float, Committed]:
    """Settlements a second: sessions are opened and started first, and only their ends are timed."""
    sessions = [resident.session() for resident in ready.residents]
    clock.set(sessions[0].opened)
    await _all([partial(gateway.submit, NAMESPACE, *session.open) for session in sessions])
    await _all([partial(gateway.submit, NAMESPACE, *session.start) for session in sessions])
    clock.set(sessions[0].opened + SESSION_SECONDS)
    rate, done = await _all([partial(gateway.submit, NAMESPACE, *session.settle) for session in sessions])
    return rate, done[-1]


async def _fill(gateway: FabricLedger, first: int, count: int) -> None:
    for start in range(first, first + count, _PER_TRANSACTION):
        size = min(_PER_TRANSACTION, first + count - start)
        await gateway.submit(NAMESPACE, "fill", [str(start).encode(), str(size).encode()])


async def _accesses(gateway: FabricLedger, committed: Committed) -> dict[str, int]:
    """The keys that a settlement reads, with the size that it writes there; 0 where it only reads."""
    block = await gateway.block(committed.block)
    transaction = next(each for each in block.transactions if each.id == committed.transaction_id)
    (found,) = [each for each in transaction.read_write_sets if each.namespace == NAMESPACE]
    written = {write.key: len(write.value or b"") for write in found.writes}
    return {key: written.get(key, 0) for key in {*(read.key for read in found.reads), *written}}


async def _reference(network: Network, accesses: dict[str, int]) -> float:
    """Transactions a second of the Go chaincode with as many reads and writes, of the same sizes."""
    gateway = network.ledger(CODE, lambda: time.time_ns() // 1_000_000)
    calls = [
        partial(gateway.submit, NAMESPACE, "run", [_like(accesses, number)]) for number in range(RESIDENTS)
    ]
    await _all(calls)  # makes the keys, and the peers' connections
    rate, _ = await _all(calls)
    await gateway.close()
    return rate


async def _official(network: Network, accesses: dict[str, int], ours: float) -> list[Result]:
    """The same through Hyperledger's Python shim, one by one and then many at once: as far as it survives."""
    gateway = network.ledger(CODE, lambda: time.time_ns() // 1_000_000, timeouts=_IMPATIENT)
    await _survivors(gateway, accesses, 1, 1)  # the peers find it
    alone, seconds = await _survivors(gateway, accesses, 1, IN_FLIGHT)
    results = [
        Result(
            id="P1",
            what="the same state accesses through fabric-chaincode-python, one by one",
            value=alone / seconds,
            unit="1/s",
            reference="",
        )
    ]
    done, seconds = await _survivors(gateway, accesses, IN_FLIGHT, RESIDENTS)
    await gateway.close()
    if done < RESIDENTS:
        what = f"of {RESIDENTS} that fabric-chaincode-python answered, {IN_FLIGHT} in flight"
        return [*results, Result(id="P1", what=what, value=float(done), unit="", reference="")]
    compared = Result(
        id="P1",
        what=f"settlements, {IN_FLIGHT} in flight, Fabric",
        value=ours,
        unit="1/s",
        reference="the same state accesses through fabric-chaincode-python",
        reference_value=done / seconds,
    )
    return [*results, compared]


async def _survivors(
    gateway: FabricLedger, accesses: dict[str, int], at_once: int, count: int
) -> tuple[int, float]:
    """How many of `count` transactions came through, and in how many seconds."""
    room = asyncio.Semaphore(at_once)

    async def one(number: int) -> bool:
        async with room:
            try:
                await gateway.submit(NAMESPACE, "run", [_like(accesses, 10 * RESIDENTS + number)])
            except LedgerError:
                return False
        return True

    begin = time.perf_counter()
    done = await asyncio.gather(*(one(number) for number in range(count)))
    return sum(done), time.perf_counter() - begin


def _like(accesses: dict[str, int], number: int) -> bytes:
    """What the Go chaincode is told: to read and write as a settlement does, at keys of its own."""
    reads = [f"{key}{number}" for key in accesses]
    writes = {f"{key}{number}": size for key, size in accesses.items() if size}
    return json.dumps({"reads": reads, "writes": writes}).encode()
