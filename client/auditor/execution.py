"""Running a committed transaction again, and comparing.

The chaincode's own `dispatch` decides once more, on the values that the transaction's read set names. Where
it rejects, reads, writes, answers or announces anything else than the ledger recorded, the ledger was not
made by these rules.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chaincode.contract import dispatch
from chaincode.errors import ContractError
from chaincode.signing.transaction import ABSENT, RangeRecord, ReadRecord, SetRecord
from chaincode.stub import LAST_CODE_POINT, SEPARATOR, Creator, Entry, KeyModification, Page

Values = Callable[[str, str, int], bytes]
"""The value of a key (namespace, key) at a version; raises `ExecutionError` where it is not known."""
Assumed = frozenset[tuple[str, str]]


class Proposed(Protocol):
    """What a client asked for."""

    @property
    def channel(self) -> str:
        """The network."""

    @property
    def transaction_id(self) -> str:
        """Of the nonce and the creator."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970."""

    @property
    def msp_id(self) -> str:
        """The creator's organisation."""

    @property
    def certificate(self) -> bytes:
        """The creator's, PEM."""

    @property
    def namespace(self) -> str:
        """The chaincode that is called first."""

    @property
    def function(self) -> str:
        """Its function."""

    @property
    def arguments(self) -> tuple[bytes, ...]:
        """What the function is given."""


class Recorded(Protocol):
    """A transaction as a ledger has it, embedded or Fabric."""

    @property
    def proposal(self) -> Proposed:
        """What was asked for."""

    @property
    def result(self) -> bytes:
        """What the rules answered."""

    @property
    def event(self) -> tuple[str, bytes] | None:
        """Name and payload."""

    @property
    def sets(self) -> tuple[SetRecord, ...]:
        """What it read and wrote, by namespace."""


class ExecutionError(Exception):
    """A transaction is not what the rules make of its arguments; the sentence says how."""


@dataclass(slots=True)
class _Span:
    """A range read under way; it counts as far as it was read."""

    start: str
    end: str
    reads: list[ReadRecord] = field(default_factory=list)
    exhausted: bool = False

    def record(self) -> RangeRecord:
        if self.exhausted:
            return RangeRecord(self.start, self.end, tuple(self.reads))
        end = self.reads[-1].key + SEPARATOR if self.reads else self.start
        return RangeRecord(self.start, end, tuple(self.reads))


class _Namespace:
    """What a transaction is recorded to have read in one namespace, and what it does now."""

    def __init__(self, recorded: SetRecord) -> None:
        self.recorded = recorded
        self.versions = {read.key: read.version for read in recorded.reads}
        self.read: set[str] = set()
        self.spans: list[_Span] = []
        self.writes: dict[str, bytes | None] = {}

    def compare(self, assumed: Assumed) -> None:
        """Raise ExecutionError where this is not what was recorded, but for writes to `assumed` keys."""
        name = self.recorded.namespace
        if self.read != self.versions.keys():
            key = min(self.read ^ self.versions.keys())
            raise ExecutionError(f"its read set differs from what the rules read in {name} at {key!r}")
        if tuple(span.record() for span in self.spans) != self.recorded.ranges:
            raise ExecutionError(f"its ranges differ from what the rules read in {name}")
        recorded = {write.key: write.value for write in self.recorded.writes}
        if len(recorded) != len(self.recorded.writes) or recorded.keys() != self.writes.keys():
            raise ExecutionError(f"it writes other keys in {name} than the rules do")
        for key, value in self.writes.items():
            if (name, key) not in assumed and recorded[key] != value:
                raise ExecutionError(f"it writes another value in {name} at {key!r} than the rules do")


class Execution:
    """One committed transaction, run again."""

    def __init__(self, record: Recorded, values: Values) -> None:
        self.record = record
        self.proposal = record.proposal
        self.values = values
        self.creator = Creator(self.proposal.msp_id, self.proposal.certificate)
        self.event: tuple[str, bytes] | None = None
        self._namespaces = {each.namespace: _Namespace(each) for each in record.sets}

    async def check(self, assumed: Assumed = frozenset()) -> None:
        """Raise ExecutionError where the rules make anything else of the transaction.

        `assumed` names keys whose values `values` made up; what is written there is not compared."""
        proposal = self.proposal
        if len(self._namespaces) != len(self.record.sets):
            raise ExecutionError("its read-write sets name a namespace twice")
        try:
            result = await self.call(proposal.namespace, (), proposal.function, proposal.arguments)
        except ContractError as error:
            raise ExecutionError(f"the rules reject it: {error}") from error
        if result != self.record.result:
            raise ExecutionError("its result is not what the rules answer")
        if self.event != self.record.event:
            raise ExecutionError("its event is not what the rules announce")
        for namespace in self._namespaces.values():
            namespace.compare(assumed)

    async def call(
        self, name: str, callers: tuple[str, ...], function: str, arguments: Sequence[bytes]
    ) -> bytes:
        """Call a chaincode within the transaction. Raises ContractError or ExecutionError."""
        namespace = self._namespaces.get(name)
        if namespace is None or name in callers:
            raise ExecutionError(f"the rules call {name}, of which its read-write sets know nothing")
        before = {each: dict(known.writes) for each, known in self._namespaces.items()}
        try:
            return await dispatch(ReplayStub(self, name, namespace, callers), function, arguments)
        except ContractError:
            for each, known in self._namespaces.items():
                known.writes = before[each]
            raise


class ReplayStub:
    """`chaincode.stub.Stub` over what a transaction is recorded to have read."""

    def __init__(
        self, execution: Execution, name: str, namespace: _Namespace, callers: tuple[str, ...]
    ) -> None:
        self._execution = execution
        self._name = name
        self._namespace = namespace
        self._callers = callers

    @property
    def channel(self) -> str:
        """See `Stub`."""
        return self._execution.proposal.channel

    @property
    def transaction_id(self) -> str:
        """See `Stub`."""
        return self._execution.proposal.transaction_id

    @property
    def timestamp(self) -> int:
        """See `Stub`."""
        return self._execution.proposal.timestamp

    @property
    def creator(self) -> Creator:
        """See `Stub`."""
        return self._execution.creator

    @property
    def called(self) -> str:
        """See `Stub`."""
        return self._execution.proposal.namespace

    async def get(self, key: str) -> bytes | None:
        """See `Stub`."""
        return self._get(key)

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """See `Stub`."""
        return [self._get(key) for key in keys]

    async def put(self, key: str, value: bytes) -> None:
        """See `Stub`."""
        self._namespace.writes[key] = value

    async def delete(self, key: str) -> None:
        """See `Stub`."""
        self._namespace.writes[key] = None

    async def range(self, prefix: str) -> AsyncIterator[Entry]:
        """See `Stub`. Yields what the recorded range of the same place holds."""
        number = len(self._namespace.spans)
        span = _Span(prefix, prefix + LAST_CODE_POINT)
        self._namespace.spans.append(span)
        if number >= len(self._namespace.recorded.ranges):
            raise ExecutionError(f"the rules read a range in {self._name} that its read set lacks")
        recorded = self._namespace.recorded.ranges[number]
        for read in recorded.reads:
            span.reads.append(read)
            yield Entry(read.key, self._execution.values(self._name, read.key, read.version))
        if recorded.end != span.end:
            raise ExecutionError(f"the rules read a range in {self._name} further than its read set goes")
        span.exhausted = True

    async def page(self, prefix: str, size: int, bookmark: str = "") -> Page:
        """See `Stub`. No committed transaction reads pages."""
        raise ExecutionError(f"it reads pages of {prefix!r}, {size} from {bookmark!r}, which nothing checks")

    def history(self, key: str) -> AsyncIterator[KeyModification]:
        """See `Stub`. No committed transaction reads history."""
        raise ExecutionError(f"it reads the history of {key!r}, which nothing checks")

    def set_event(self, name: str, payload: bytes) -> None:
        """See `Stub`. That of a chaincode which another one called is dropped, as on Fabric."""
        if self._callers:
            return
        if self._execution.event is not None:
            raise ValueError("a transaction sets at most one event")
        self._execution.event = (name, payload)

    async def invoke(self, namespace: str, function: str, arguments: Sequence[bytes]) -> bytes:
        """See `Stub`."""
        return await self._execution.call(namespace, (*self._callers, self._name), function, arguments)

    def _get(self, key: str) -> bytes | None:
        version = self._namespace.versions.get(key)
        if version is None:
            raise ExecutionError(f"the rules read {key!r} in {self._name}, which its read set lacks")
        self._namespace.read.add(key)
        return None if version == ABSENT else self._execution.values(self._name, key, version)
