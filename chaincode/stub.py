"""What a transaction may ask of the ledger that runs it.

The rules in this package see a ledger only through `Stub`, which is a subset of Hyperledger Fabric's
chaincode stub, async because Fabric's is a conversation with the peer. Two things implement it: the
embedded ledger (`network.embedded`) and the Fabric chaincode server (`chaincode.fabric`). Fabric's
semantics are the semantics:

* reads see the state as it was before the transaction, never the transaction's own writes;
* everything read is recorded with its version, and a transaction whose reads are stale at commit is
  invalid (`MVCC_READ_CONFLICT`, or `PHANTOM_READ_CONFLICT` for ranges);
* a transaction sets at most one event, and only the chaincode that was called first may;
* a transaction that raises writes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

SEPARATOR = "\x00"
LAST_CODE_POINT = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Creator:
    """Who signed the transaction's proposal."""

    msp_id: str
    certificate: bytes
    """X.509, PEM."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of the world state with its value."""

    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in key order; `bookmark` is where the next page begins, empty after the last one."""

    entries: tuple[Entry, ...]
    bookmark: str


@dataclass(frozen=True, slots=True)
class KeyModification:
    """One past value of a key, as committed by `transaction_id`; `value` is None where it was deleted."""

    transaction_id: str
    timestamp: int
    """Milliseconds since 1970, from the transaction."""
    value: bytes | None


class Stub(Protocol):
    """One transaction's view of the ledger. Not shared between transactions."""

    @property
    def channel(self) -> str:
        """The channel's name; intents and readings name it, so none can be replayed on another network."""

    @property
    def transaction_id(self) -> str:
        """The ledger's id of this transaction, hexadecimal."""

    @property
    def timestamp(self) -> int:
        """The proposal's timestamp, milliseconds since 1970: the only clock there is."""

    @property
    def creator(self) -> Creator:
        """The identity that signed the proposal."""

    @property
    def called(self) -> str:
        """The namespace that the signed proposal names: the chaincode that was called first."""

    async def get(self, key: str) -> bytes | None:
        """The committed value of `key`, None where there is none."""

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """The committed values of `keys`, in their order; one round trip where the peer can."""

    async def put(self, key: str, value: bytes) -> None:
        """Write `value` (not empty) at `key` when the transaction commits."""

    async def delete(self, key: str) -> None:
        """Remove `key` when the transaction commits."""

    def range(self, prefix: str) -> AsyncIterator[Entry]:
        """Every entry whose key begins with the composite `prefix`, in key order, phantoms detected."""

    async def page(self, prefix: str, size: int, bookmark: str = "") -> Page:
        """At most `size` entries of a range. For evaluated (read-only) transactions alone, as on Fabric."""

    def history(self, key: str) -> AsyncIterator[KeyModification]:
        """All committed values of `key`, newest first. For evaluated transactions: Fabric does not
        check history at commit."""

    def set_event(self, name: str, payload: bytes) -> None:
        """Publish an event with the transaction. Raises ValueError when one is already set."""

    async def invoke(self, namespace: str, function: str, arguments: Sequence[bytes]) -> bytes:
        """Call another namespace's chaincode within this transaction (same channel, one read-write set).

        Raises `chaincode.errors.ContractError` with what the callee rejected."""


def composite_key(kind: str, *attributes: str) -> str:
    """Fabric's composite key: U+0000, kind, U+0000, then each attribute followed by U+0000.

    Raises ValueError where a part holds U+0000 or U+10FFFF, which Fabric reserves.
    """
    parts = (kind, *attributes)
    for part in parts:
        if SEPARATOR in part or LAST_CODE_POINT in part:
            raise ValueError("a composite key's parts may not hold U+0000 or U+10FFFF")
    return SEPARATOR + SEPARATOR.join(parts) + SEPARATOR


def split_composite_key(key: str) -> tuple[str, tuple[str, ...]]:
    """The kind and attributes that `composite_key` joined."""
    if not key.startswith(SEPARATOR) or not key.endswith(SEPARATOR) or len(key) < 2:
        raise ValueError(f"{key!r} is no composite key")
    kind, *attributes = key[1:-1].split(SEPARATOR)
    return kind, tuple(attributes)
