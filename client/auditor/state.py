"""The world state, built up again from an exported ledger, and the money in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from chaincode.audit import SUPPLY
from chaincode.signing.transaction import ABSENT, SetRecord
from chaincode.stub import composite_key
from client.auditor.execution import ExecutionError

_TERMS = {composite_key(kind): (term, record) for term, (kind, record) in SUPPLY.items()}
MVCC_READ_CONFLICT = "MVCC_READ_CONFLICT"
PHANTOM_READ_CONFLICT = "PHANTOM_READ_CONFLICT"
VALID = "VALID"


@dataclass(frozen=True, slots=True)
class Supply:
    """One issuer's tokens, minor units: issued = balances + escrow + income + redeemed."""

    issued: int = 0
    balances: int = 0
    escrow: int = 0
    income: int = 0
    redeemed: int = 0

    @property
    def holds(self) -> bool:
        """Whether no token has come from nowhere or gone astray."""
        return self.issued == self.balances + self.escrow + self.income + self.redeemed


@dataclass(slots=True)
class _Entry:
    version: int
    value: bytes | None

    @property
    def visible(self) -> int:
        """The version as a reader sees it."""
        return ABSENT if self.value is None else self.version


class WorldState:
    """Every namespace's keys with their versions, as the valid transactions so far left them."""

    def __init__(self) -> None:
        self._namespaces: dict[str, dict[str, _Entry]] = {}
        self.supply: dict[str, Supply] = {}
        """By namespace."""

    def value(self, namespace: str, key: str, version: int) -> bytes:
        """The value of a key, which must be of that version. Raises ExecutionError."""
        entry = self._namespaces.get(namespace, {}).get(key)
        if entry is None or entry.value is None or entry.version != version:
            raise ExecutionError(f"what it read at {key!r} in {namespace} is not what stood there")
        return entry.value

    def version(self, namespace: str, key: str) -> int:
        """The version of a key's last write or deletion, `ABSENT` where there was none."""
        entry = self._namespaces.get(namespace, {}).get(key)
        return ABSENT if entry is None else entry.version

    def validate(self, sets: Iterable[SetRecord]) -> str:
        """The validation code that these reads deserve now (Fabric's multi-version concurrency control)."""
        for each in sets:
            namespace = self._namespaces.get(each.namespace, {})
            for read in each.reads:
                entry = namespace.get(read.key)
                if (ABSENT if entry is None else entry.visible) != read.version:
                    return MVCC_READ_CONFLICT
            for span in each.ranges:
                now = {
                    key: entry.version
                    for key, entry in namespace.items()
                    if entry.value is not None and span.start <= key < span.end
                }
                if now != {read.key: read.version for read in span.reads}:
                    return PHANTOM_READ_CONFLICT
        return VALID

    def apply(self, sets: Iterable[SetRecord], version: int) -> None:
        """Take a valid transaction's writes.

        Raises ExecutionError where a write names another replaced version than there is, or where supply
        does not hold afterwards."""
        for each in sets:
            namespace = self._namespaces.setdefault(each.namespace, {})
            changes: dict[str, int] = {}
            for write in each.writes:
                before = namespace.get(write.key)
                if write.replaced != (ABSENT if before is None else before.version):
                    raise ExecutionError(f"it does not replace the version that stood at {write.key!r}")
                namespace[write.key] = _Entry(version, write.value)
                _count(changes, write.key, None if before is None else before.value, write.value)
            if changes:
                self._book(each.namespace, changes)

    def _book(self, namespace: str, changes: dict[str, int]) -> None:
        supply = self.supply.get(namespace, Supply())
        terms = asdict(supply)
        supply = replace(supply, **{term: terms[term] + change for term, change in changes.items()})
        self.supply[namespace] = supply
        if not supply.holds:
            raise ExecutionError(f"supply does not hold after it in {namespace}: {supply}")


def _count(changes: dict[str, int], key: str, before: bytes | None, after: bytes | None) -> None:
    """Add to `changes` what a write does to its term of the supply, where its key is of one."""
    term, record = _TERMS.get(key[: key.find("\x00", 1) + 1], (None, None))
    if term is None or record is None:
        return
    for value, sign in ((before, -1), (after, 1)):
        if value is not None:
            changes[term] = changes.get(term, 0) + sign * record.decode(value).amount
