"""Verifying a receipt offline, from its file and the condominium's root certificate alone.

What is checked: that a ledger, or a peer, certified by the root signed the blocks which hold the receipt's
transactions (`client.auditor.proof`); that they are all the transactions of the session, from its opening to
its end, each on exactly the records that it read; and that the rules, run again on them, make the same of
them. With the rules come the wallet's signature on its intent, the unit's (or the gateway's attestation) on
the readings, the tariff and the bill.

What a receipt cannot show: that the ledger has no second history for somebody else (auditors compare the
hashes of its blocks), and, for a unit that cannot sign, that the gateway attested the truth. On a Fabric
channel one receipt is one condominium's word that the session's transactions were ordered and found valid:
who endorsed them answers for their content alone. Where the roots of several condominiums are given, two of
them must have signed the blocks, each in a receipt of its own: one alone could sign a block that never was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    """Codes of the condominiums that signed the blocks of all of the session's transactions."""


def verify_receipt(file: bytes, *roots: bytes, others: Sequence[bytes] = ()) -> VerifiedReceipt:
    """What the receipt in `file` proves, to whoever trusts the root certificates (PEM; one is enough).

    `others` are receipts of the same session from other members of a Fabric channel: each is verified by
    itself, and all must prove the same. Raises ReceiptError naming the link that fails, or where fewer
    condominiums have signed than the roots call for."""
    return asyncio.run(check_receipt(file, *roots, others=others))


async def check_receipt(file: bytes, *roots: bytes, others: Sequence[bytes] = ()) -> VerifiedReceipt:
    """As `verify_receipt`, for those who verify many within one event loop."""
    receipt = prove(file, roots)
    proven = await _check(receipt)
    witnesses = set(proven.witnesses)
    for other in others:
        found = await _check(prove(other, roots))
        if replace(found, witnesses=proven.witnesses) != proven:
            raise ReceiptError("the receipts do not prove the same: one of their condominiums says otherwise")
        witnesses.update(found.witnesses)
    if len(witnesses) < receipt.witnesses:
        signed = f"{', '.join(sorted(witnesses))} alone" if witnesses else "no one condominium"
        raise ReceiptError(
            f"that the session is on the ledger is signed for by {signed}; of the condominiums whose roots "
            f"are given {receipt.witnesses} have to: add another one's receipt of the session"
        )
    return replace(proven, witnesses=tuple(sorted(witnesses)))


async def _check(receipt: Proof) -> VerifiedReceipt:
    """Run the rules again on what was proven, and find the session in it."""
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
        witnesses=_witnesses(own),
    )


def _witnesses(own: dict[int, Proven]) -> tuple[str, ...]:
    """Who signed the blocks of all of the session's transactions: one condominium, or none did for all."""
    codes = {each.witness for each in own.values()}
    return tuple(code for code in codes if code is not None) if len(codes) == 1 else ()


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
