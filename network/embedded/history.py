"""The history of a key, walked through the chain from its newest write back."""

from __future__ import annotations

from collections.abc import Iterator

from chaincode.signing.transaction import ABSENT, TransactionRecord, WriteRecord, decode_transaction
from chaincode.stub import KeyModification
from network.embedded.snapshot import Snapshot


def modifications(snapshot: Snapshot, namespace: str, key: str) -> Iterator[KeyModification]:
    """All committed values of `key`, newest first: each write names the version that it replaced.

    Raises ValueError where the chain does not hold the write that state or a later write names."""
    newest = snapshot.get(namespace, key)
    version = ABSENT if newest is None else newest.version
    while version != ABSENT:
        body = snapshot.body(version)
        if body is None:
            raise ValueError(f"no transaction has the version {version} that a write of {key!r} replaced")
        record = decode_transaction(body)
        write = _find_write(record, namespace, key)
        proposal = record.proposal
        yield KeyModification(proposal.transaction_id, proposal.timestamp, write.value)
        version = write.replaced


def _find_write(record: TransactionRecord, namespace: str, key: str) -> WriteRecord:
    for each in record.sets:
        if each.namespace == namespace:
            for write in each.writes:
                if write.key == key:
                    return write
    raise ValueError(f"a transaction that should have written {key!r} did not")
