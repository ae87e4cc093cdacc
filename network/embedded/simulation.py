"""Running a transaction on a fixed state, to learn what it reads and would write.

What Hyperledger Fabric's peer does to endorse a proposal. Nothing is written here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from chaincode.errors import ContractError, InvalidArgument
from chaincode.signing.transaction import ABSENT, Proposal, RangeRecord, ReadRecord
from chaincode.stub import LAST_CODE_POINT, SEPARATOR, Creator, Entry, KeyModification, Page, Stub
from network.embedded.history import modifications
from network.embedded.snapshot import Value
from network.embedded.view import View

Dispatch = Callable[[Stub, str, Sequence[bytes]], Awaitable[bytes]]
"""A chaincode: `chaincode.contract.dispatch`, or a test's."""
_RANGE_ROWS = 256
"""Entries fetched at a time; between such fetches other transactions get their turn."""


class UnsupportedError(Exception):
    """The chaincode asked for something that this kind of transaction may not do."""


class SimulatedWrite(NamedTuple):
    """A key to be written, and its version when the transaction read it (None where it did not)."""

    key: str
    value: bytes | None
    seen: int | None


@dataclass(frozen=True, slots=True)
class SimulatedSet:
    """What was read and would be written in one namespace, keys in order."""

    namespace: str
    reads: tuple[ReadRecord, ...]
    ranges: tuple[RangeRecord, ...]
    writes: tuple[SimulatedWrite, ...]


@dataclass(frozen=True, slots=True)
class Simulated:
    """The outcome of a simulation."""

    result: bytes
    event: tuple[str, bytes] | None
    sets: tuple[SimulatedSet, ...]


@dataclass(slots=True)
class _RangeReading:
    """A range read under way; it counts as far as it was read."""

    start: str
    end: str
    reads: list[ReadRecord] = field(default_factory=list)
    exhausted: bool = False

    def record(self) -> RangeRecord:
        if self.exhausted:
            return RangeRecord(self.start, self.end, tuple(self.reads))
        # The smallest key above the last one that was returned.
        end = self.reads[-1].key + SEPARATOR if self.reads else self.start
        return RangeRecord(self.start, end, tuple(self.reads))


@dataclass(slots=True)
class _Namespace:
    """What has been read and written so far in one namespace."""

    values: dict[str, Value] = field(default_factory=dict)
    ranges: list[_RangeReading] = field(default_factory=list)
    writes: dict[str, bytes | None] = field(default_factory=dict)

    @property
    def touched(self) -> bool:
        """Whether anything was read or written; Fabric's read-write sets leave out what was only called."""
        return bool(self.values or self.ranges or self.writes)

    def outcome(self, name: str) -> SimulatedSet:
        reads = sorted(self.values.items())
        values = self.values
        return SimulatedSet(
            name,
            tuple([ReadRecord(key, ABSENT if v.value is None else v.version) for key, v in reads]),
            tuple([span.record() for span in self.ranges]),
            tuple(
                [
                    SimulatedWrite(key, value, values[key].version if key in values else None)
                    for key, value in sorted(self.writes.items())
                ]
            ),
        )


class Simulation:
    """One transaction being run over a view of the state, through however many namespaces it calls."""

    def __init__(
        self,
        proposal: Proposal,
        transaction_id: str,
        dispatch: Dispatch,
        is_namespace: Callable[[str], bool],
        view: View,
        *,
        read_only: bool,
    ) -> None:
        self.proposal = proposal
        self.transaction_id = transaction_id
        self.creator = Creator(proposal.msp_id, proposal.certificate)
        self.view = view
        self.read_only = read_only
        self.paged = False
        self.event: tuple[str, bytes] | None = None
        self._dispatch = dispatch
        self._is_namespace = is_namespace
        self._namespaces: dict[str, _Namespace] = {}

    async def run(self) -> Simulated:
        """Call the proposal's chaincode. Raises ContractError, UnsupportedError and what it raises."""
        proposal = self.proposal
        if not self._is_namespace(proposal.namespace):
            raise UnsupportedError(f"no chaincode is called {proposal.namespace!r} here")
        result = await self._call(proposal.namespace, (), proposal.function, proposal.arguments)
        spaces = sorted(self._namespaces.items())
        sets = tuple([space.outcome(name) for name, space in spaces if space.touched])
        return Simulated(result, self.event, sets)

    def begin_paging(self) -> None:
        """From here on nothing may be written. Raises UnsupportedError where something was."""
        if any(space.writes for space in self._namespaces.values()):
            raise UnsupportedError("a transaction that wrote may not read pages, as on Fabric")
        self.paged = True

    async def call_nested(
        self, namespace: str, callers: tuple[str, ...], function: str, arguments: Sequence[bytes]
    ) -> bytes:
        """Call another chaincode within this transaction. Raises ContractError."""
        if not self._is_namespace(namespace):
            raise InvalidArgument("namespace", f"names a chaincode of this channel; {namespace!r} is none")
        if namespace in callers:
            raise InvalidArgument("namespace", "is not one that is being called already")
        return await self._call(namespace, callers, function, arguments)

    async def _call(
        self, namespace: str, callers: tuple[str, ...], function: str, arguments: Sequence[bytes]
    ) -> bytes:
        space = self._namespaces.setdefault(namespace, _Namespace())
        stub = EmbeddedStub(self, namespace, callers, space)
        if not callers:
            return await self._dispatch(stub, function, arguments)
        before = {name: dict(each.writes) for name, each in self._namespaces.items()}
        try:
            return await self._dispatch(stub, function, arguments)
        except ContractError:
            # A caller may go on after a callee's refusal; what the callee had put must then not count.
            for name, each in self._namespaces.items():
                each.writes = before.get(name, {})
            raise


class EmbeddedStub:
    """`chaincode.stub.Stub` over a simulation, for the chaincode of one namespace."""

    def __init__(
        self, simulation: Simulation, namespace: str, callers: tuple[str, ...], space: _Namespace
    ) -> None:
        self._simulation = simulation
        self._view = simulation.view
        self._namespace = namespace
        self._callers = callers
        self._space = space

    @property
    def channel(self) -> str:
        """See `Stub`."""
        return self._simulation.proposal.channel

    @property
    def transaction_id(self) -> str:
        """See `Stub`."""
        return self._simulation.transaction_id

    @property
    def timestamp(self) -> int:
        """See `Stub`."""
        return self._simulation.proposal.timestamp

    @property
    def creator(self) -> Creator:
        """See `Stub`."""
        return self._simulation.creator

    @property
    def called(self) -> str:
        """See `Stub`."""
        return self._simulation.proposal.namespace

    def _get(self, key: str) -> bytes | None:
        value = self._space.values.get(key)
        if value is None:
            value = self._view.get(self._namespace, key)
            self._space.values[key] = value
        return value.value

    async def get(self, key: str) -> bytes | None:
        """See `Stub`."""
        return self._get(key)

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """See `Stub`."""
        return [self._get(key) for key in keys]

    async def put(self, key: str, value: bytes) -> None:
        """See `Stub`. Raises ValueError for an empty key or value."""
        if not value:
            raise ValueError(f"the value of {key!r} is empty")
        self._write(key, bytes(value))

    async def delete(self, key: str) -> None:
        """See `Stub`."""
        self._write(key, None)

    def _write(self, key: str, value: bytes | None) -> None:
        if not key:
            raise ValueError("a key is empty")
        if self._simulation.paged:
            raise UnsupportedError("a transaction that read pages may not write, as on Fabric")
        self._space.writes[key] = value

    async def range(self, prefix: str) -> AsyncIterator[Entry]:
        """See `Stub`."""
        start, end = _span(prefix)
        reading = _RangeReading(start, end)
        self._space.ranges.append(reading)
        while True:
            rows = self._view.snapshot().range(self._namespace, start, end, _RANGE_ROWS)
            for key, version, value in rows:
                reading.reads.append(ReadRecord(key, version))
                yield Entry(key, value)
            if len(rows) < _RANGE_ROWS:
                reading.exhausted = True
                return
            start = rows[-1][0] + SEPARATOR
            await asyncio.sleep(0)

    async def page(self, prefix: str, size: int, bookmark: str = "") -> Page:
        """See `Stub`. Raises ValueError for a size below one or a bookmark outside the range."""
        self._check_unrecorded("pages are")
        start, end = _span(prefix)
        if size < 1:
            raise ValueError("a page holds at least one entry")
        if bookmark and not bookmark.startswith(prefix):
            raise ValueError("the bookmark is not one of this range")
        self._simulation.begin_paging()
        rows = self._view.snapshot().range(self._namespace, bookmark or start, end, size + 1)
        entries = tuple([Entry(key, value) for key, _, value in rows[:size]])
        return Page(entries, rows[size][0] if len(rows) > size else "")

    async def history(self, key: str) -> AsyncIterator[KeyModification]:
        """See `Stub`."""
        self._check_unrecorded("history is")
        for modification in modifications(self._view.snapshot(), self._namespace, key):
            yield modification

    def _check_unrecorded(self, what: str) -> None:
        """Refuse a reading that could not be checked at commit."""
        if not self._simulation.read_only:
            raise UnsupportedError(f"{what} for evaluated transactions alone: nothing checks them at commit")

    def set_event(self, name: str, payload: bytes) -> None:
        """See `Stub`. That of a chaincode which another one called is dropped, as on Fabric."""
        if not name:
            raise ValueError("an event has a name")
        if self._callers:
            return
        if self._simulation.event is not None:
            raise ValueError("a transaction sets at most one event")
        self._simulation.event = (name, bytes(payload))

    async def invoke(self, namespace: str, function: str, arguments: Sequence[bytes]) -> bytes:
        """See `Stub`. Raises InvalidArgument for a namespace that is unknown or already being called."""
        return await self._simulation.call_nested(
            namespace, (*self._callers, self._namespace), function, arguments
        )


def _span(prefix: str) -> tuple[str, str]:
    """Start and end of a partial composite key's range, as Fabric's shim makes them."""
    if not prefix.startswith(SEPARATOR) or not prefix.endswith(SEPARATOR) or len(prefix) < 2:
        raise ValueError(f"{prefix!r} is no composite key")
    return prefix, prefix + LAST_CODE_POINT
