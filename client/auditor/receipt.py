"""Verifying a receipt offline, from its file and the condominium's root certificate alone.

What is checked: that a ledger, or a peer, certified by the root signed the blocks which hold the receipt's
transactions (`client.auditor.proof`); that they are all the transactions of the session, from its opening to
its end, each on exactly the records that it read; and that the rules, run again on them, make the same of
them. With the rules come the wallet's signature on its intent, the unit's (or the gateway's attestation) on
the readings, the tariff and the bill.

What a receipt cannot show: that the ledger has no second history for somebody else (auditors compare the
hashes of its blocks), and, for a unit that cannot sign, that the gateway attested the truth. On a Fabric
channel the roots of several condominiums can be given: then two of them must have signed for each of the
session's transactions, so that one alone cannot have made it up.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from chaincode.condominium import KEY as CONDOMINIUM_KEY
from chaincode.condominium import Condominium, namespace_of
from chaincode.meter import Meter
from chaincode.session import ENDED, Session, key_of
from chaincode.signing.receipt import is_meter
from chaincode.signing.transaction import ABSENT, MAX_TRANSACTIONS
from chaincode.tariff import Tariff
from chaincode.tariff import key_of as tariff_key
from client.auditor.errors import ReceiptError
from client.auditor.execution import Execution, ExecutionError
from client.auditor.proof import Proof, Proven, prove

_Place = tuple[str, str, int]
"""Namespace, key and version."""


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """What a receipt was found to prove."""

    network: str
    condominium: Condominium
    """As it was when the session was opened."""
    tariff: Tariff
    session: Session
    """The session's record after its last transaction."""
    block: int
    """Where that transaction is."""
    ended: int
    """Its time, milliseconds since 1970."""
    witnesses: tuple[str, ...]
    """Codes of the condominiums that signed for each of the session's transactions."""


def verify_receipt(file: bytes, *roots: bytes) -> VerifiedReceipt:
    """What the receipt in `file` proves, to whoever trusts the root certificates (PEM; one is enough).

    Raises ReceiptError naming the link that fails."""
    return asyncio.run(check_receipt(file, *roots))


async def check_receipt(file: bytes, *roots: bytes) -> VerifiedReceipt:
    """As `verify_receipt`, for those who verify many within one event loop."""
    receipt = prove(file, roots)
    proven = receipt.transactions
    key = key_of(receipt.session)
    own, namespace = _own(proven, key)
    evidence = _Evidence(proven)
    begun = False
    for version, transaction in own.items():
        try:
            await evidence.check(transaction, begun=begun)
        except ExecutionError as error:
            raise ReceiptError(
                f"transaction {version % MAX_TRANSACTIONS} of block {version // MAX_TRANSACTIONS}: {error}"
            ) from error
        session = Session.decode(evidence.value(namespace, key, version))
        begun = session.first is not None
    if session.id != receipt.session or session.state not in ENDED:
        raise ReceiptError("the session has not ended with the receipt's last transaction")
    first, last = next(iter(own)), next(reversed(own))
    condominium = Condominium.decode(evidence.read(namespace, CONDOMINIUM_KEY, own[first]))
    if namespace != namespace_of(condominium.code):
        raise ReceiptError("the session is not in its condominium's namespace")
    return VerifiedReceipt(
        network=receipt.network,
        condominium=condominium,
        tariff=Tariff.decode(evidence.read(namespace, tariff_key(session.tariff), own[first])),
        session=session,
        block=own[last].block,
        ended=own[last].record.proposal.timestamp,
        witnesses=_witnesses(receipt, own),
    )


def _witnesses(receipt: Proof, own: dict[int, Proven]) -> tuple[str, ...]:
    """Who signed for all of the session's transactions. Raises ReceiptError where they are too few."""
    for version, transaction in own.items():
        if len(transaction.witnesses) < receipt.witnesses:
            signed = ", ".join(sorted(transaction.witnesses))
            raise ReceiptError(
                f"transaction {version % MAX_TRANSACTIONS} of block {transaction.block} is signed for by "
                f"{signed} alone; of the condominiums whose roots are given {receipt.witnesses} have to"
            )
    return tuple(sorted(frozenset.intersection(*(each.witnesses for each in own.values()))))


def _own(proven: dict[int, Proven], key: str) -> tuple[dict[int, Proven], str]:
    """The transactions that wrote the session's record, in order, and the namespace that it is in."""
    own: dict[int, Proven] = {}
    namespaces: set[str] = set()
    for version, transaction in proven.items():
        for each in transaction.record.sets:
            if any(write.key == key for write in each.writes):
                own[version] = transaction
                namespaces.add(each.namespace)
    if len(namespaces) != 1:
        raise ReceiptError(
            "no transaction of the receipt is the session's, or they are in several namespaces"
        )
    namespace = namespaces.pop()
    expected = ABSENT
    for version, transaction in own.items():
        # Each step must have read what the one before it wrote: so none is missing.
        if _version_read(transaction, namespace, key) != expected:
            raise ReceiptError("a transaction of the session is missing")
        expected = version
    return own, namespace


def _version_read(transaction: Proven, namespace: str, key: str) -> int | None:
    for each in transaction.record.sets:
        if each.namespace == namespace:
            for read in each.reads:
                if read.key == key:
                    return read.version
    return None


class _Evidence:
    """The values that proven transactions wrote."""

    def __init__(self, proven: dict[int, Proven]) -> None:
        self._values: dict[_Place, bytes] = {
            (each.namespace, write.key, version): write.value
            for version, transaction in proven.items()
            for each in transaction.record.sets
            for write in each.writes
            if write.value is not None
        }

    async def check(self, transaction: Proven, *, begun: bool) -> None:
        """Run a transaction again on the proven values. Raises ExecutionError.

        Before the session's first reading (`begun`) the unit's meter is a neighbour's and not in the
        receipt: any meter will do, as nothing of the bill comes from it."""
        assumed: set[tuple[str, str]] = set()
        for each in transaction.record.sets:
            for read in each.reads:
                place = (each.namespace, read.key, read.version)
                if not begun and is_meter(read.key) and place not in self._values:
                    assumed.add((each.namespace, read.key))

        def value(namespace: str, key: str, version: int) -> bytes:
            if (namespace, key) in assumed:
                return Meter.fresh().encode()
            return self.value(namespace, key, version)

        await Execution(transaction.record, value).check(frozenset(assumed))

    def value(self, namespace: str, key: str, version: int) -> bytes:
        """What a proven transaction wrote. Raises ExecutionError where none in the receipt did."""
        found = self._values.get((namespace, key, version))
        if found is None:
            raise ExecutionError(f"the receipt does not prove what it read at {key!r} in {namespace}")
        return found

    def read(self, namespace: str, key: str, transaction: Proven) -> bytes:
        """What a transaction that has been checked read at a key."""
        version = _version_read(transaction, namespace, key)
        if version is None:
            raise ReceiptError(f"its first transaction does not read {key!r}")
        return self.value(namespace, key, version)
