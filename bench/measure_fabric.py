"""P1 and P7 on Fabric: settlements a second, two organisations endorsing, 64 in flight.

The reference for P1 is a chaincode that only does the same state accesses, through Fabric's own Go shim, on
the same network and by the same client. P7 fills the state with copies of sessions in between;
`BENCH_FABRIC_SESSIONS` sets another number than a hundred thousand.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from bench.federation import NAMESPACE, Network, federation, load
from bench.residents import CODE, SESSION_SECONDS, Clock, Load
from bench.result import Result
from network.fabric import FabricLedger
from network.federation import supervisor
from network.federation.binaries import FABRIC, find_go
from network.federation.server import listeners
from network.ledger import Committed

IN_FLIGHT = 64
RESIDENTS = 6 * IN_FLIGHT
FEW = 1_000
MANY = int(os.environ.get("BENCH_FABRIC_SESSIONS", "100000"))
_PER_TRANSACTION = 500
_SHIM = Path(__file__).parent / "shim"


def measure() -> list[Result]:
    """Run ours, fill, run ours again, then the Go shim on the same network."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        program = _build(Path(folder))
        with federation(Path(folder) / "network", 2, "raft") as network:
            few, many, accesses = asyncio.run(_ours(network))
            with _go_shims(network, program):
                reference = asyncio.run(_reference(network, accesses))
    return [
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


def _like(accesses: dict[str, int], number: int) -> bytes:
    """What the Go chaincode is told: to read and write as a settlement does, at keys of its own."""
    reads = [f"{key}{number}" for key in accesses]
    writes = {f"{key}{number}": size for key, size in accesses.items() if size}
    return json.dumps({"reads": reads, "writes": writes}).encode()


def _build(folder: Path) -> Path:
    """Build the Go chaincode."""
    go = find_go(FABRIC, folder, lambda *_step: None)
    program = folder / "shim"
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    subprocess.run([go, "build", "-o", program, "."], cwd=_SHIM, env=environment, check=True)
    return program


@contextlib.contextmanager
def _go_shims(network: Network, program: Path) -> Iterator[None]:
    """The Go chaincode in the place of ours, at every member."""
    running = []
    for folder in network.folders:
        supervisor.hold(folder, "chaincode", held=True)
        number = supervisor.running(folder, "chaincode")
        assert number is not None
        os.kill(number, 15)
        while supervisor.running(folder, "chaincode") == number:
            time.sleep(0.05)
        (listener,) = [each for each in listeners(folder) if each.namespace == NAMESPACE]
        tls = folder.chaincode / "tls"
        environment = {
            "CHAINCODE_ID": listener.package,
            "CHAINCODE_ADDRESS": listener.address,
            "CHAINCODE_KEY": str(tls / "key.pem"),
            "CHAINCODE_CERTIFICATE": str(tls / "certificate.pem"),
            "CHAINCODE_CLIENT_AUTHORITY": str(tls / "root.pem"),
        }
        running.append(subprocess.Popen([program], env={**os.environ, **environment}))
    try:
        yield
    finally:
        for process in running:
            process.terminate()
            process.wait()
