"""An exported ledger verifies from end to end, and no altered one does, however well it is re-signed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaincode.fields import encode
from chaincode.signing import domain, merkle
from chaincode.signing.block import decode_header, header_hash
from chaincode.signing.export import ExportedBlock, decode_block
from chaincode.signing.transaction import (
    VALIDATION_NUMBERS,
    SetRecord,
    TransactionRecord,
    decode_transaction,
    encode_transaction,
)
from chaincode.stub import composite_key
from client.auditor.errors import LedgerWrong, VerificationError
from client.auditor.ledger import LedgerAudit
from client.auditor.report import LedgerReport
from network.authority import Authority
from network.identity import Identity
from network.ledger import CommitError
from tests.chaincode.world import PartyWallet
from tests.client.residence import START, Bridge, opened, registered
from tests.examples import examples

Authorities = dict[str, Authority]


async def audited(blocks: Sequence[ExportedBlock], authorities: Authorities) -> LedgerReport:
    """What a whole ledger is found to hold."""
    audit = LedgerAudit([authority.root for authority in authorities.values()])
    for block in blocks:
        await audit.add(block.encode())
    return audit.report()


async def history(bridge: Bridge, authorities: Authorities) -> list[ExportedBlock]:
    """Two condominiums, a session at home, a visitor's, and a cancelled one."""
    aurora = await registered("aurora", bridge, authorities)
    boreal = await registered("boreal", bridge, authorities)
    unit, attested = await aurora.enrol(7), await aurora.enrol(3, "mac")
    maria, rui = PartyWallet(), PartyWallet()
    await aurora.fund(maria, 1_000)
    await boreal.fund(rui, 1_000)
    await aurora.charge(maria, unit, [0, 5_000_000, 9_000_000])
    await aurora.charge(rui, attested, [0, 4_000_000], issuer="boreal")
    session = await aurora.open(maria, unit)
    await aurora.submit("session.cancel", session.encode())
    return await bridge.blocks()


async def test_a_ledger_verifies_from_end_to_end(bridge: Bridge, authorities: Authorities) -> None:
    """The report counts transactions and shows supply in each namespace."""
    blocks = await history(bridge, authorities)
    report = await audited(blocks, authorities)
    assert (report.network, report.blocks) == ("condominiums", len(blocks))
    assert report.transactions == sum(report.validations.values())
    assert report.functions["session.settle"] == 2
    assert report.last_hash == header_hash(blocks[-1].header).hex()
    aurora, boreal = report.supply["condocharge-aurora"], report.supply["condocharge-boreal"]
    assert (aurora.issued, aurora.income) == (1_000, 180)
    assert (boreal.issued, boreal.balances, boreal.income) == (1_000, 920, 80)
    assert aurora.holds
    assert boreal.holds


async def test_a_conflict_is_verified_as_one(bridge: Bridge, authorities: Authorities) -> None:
    """Two sessions out of one balance in one block: the second is invalid, and deserves to be."""
    aurora = await registered("aurora", bridge, authorities)
    unit, other, wallet = await aurora.enrol(7), await aurora.enrol(8), PartyWallet()
    await aurora.fund(wallet, 1_000)
    intents = [wallet.sign(aurora.intent(wallet, each)) for each in (unit, other)]
    outcomes = await asyncio.gather(
        *(aurora.submit("session.open", *intent) for intent in intents), return_exceptions=True
    )
    assert sum(isinstance(each, CommitError) for each in outcomes) == 1
    report = await audited(await bridge.blocks(), authorities)
    assert report.validations["MVCC_READ_CONFLICT"] == 1


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[ExportedBlock], Authorities, Identity]:
    """A good export, the roots, and the identity of a dishonest ledger that the root certified too."""
    authorities = {code: Authority.create(code, START) for code in ("aurora", "boreal")}

    async def make(folder: Path) -> list[ExportedBlock]:
        async with opened(folder, authorities) as bridge:
            return await history(bridge, authorities)

    blocks = asyncio.run(make(tmp_path_factory.mktemp("ledger")))
    return blocks, authorities, authorities["aurora"].issue("forger", "ledger", START)


Ledger = tuple[list[ExportedBlock], Authorities, Identity]
Change = Callable[[TransactionRecord], TransactionRecord]


@settings(max_examples=examples(200), deadline=None)
@given(data=st.data())
def test_no_bit_can_be_changed(ledger: Ledger, data: st.DataObject) -> None:
    """Header, signature or transaction: the block that was touched is named, or the one after it."""
    blocks, authorities, _ = ledger
    number = data.draw(st.integers(0, len(blocks) - 1))
    block = blocks[number]
    name = data.draw(st.sampled_from(["header", "signature", "transaction"]))

    def flipped(value: bytes) -> bytes:
        place = data.draw(st.integers(0, len(value) * 8 - 1))
        return (int.from_bytes(value, "little") ^ 1 << place).to_bytes(len(value), "little")

    if name == "header":
        block = replace(block, header=flipped(block.header))
    elif name == "signature":
        block = replace(block, signature=flipped(block.signature))
    else:
        index = data.draw(st.integers(0, len(block.transactions) - 1))
        changed = list(block.transactions)
        changed[index] = flipped(changed[index])
        block = replace(block, transactions=tuple(changed))
    with pytest.raises(LedgerWrong) as found:
        asyncio.run(audited([*blocks[:number], block, *blocks[number + 1 :]], authorities))
    assert found.value.block == number


def test_no_block_can_be_left_out_moved_or_doubled(ledger: Ledger) -> None:
    """The chain is whole from its first block."""
    blocks, authorities, _ = ledger
    middle = len(blocks) // 2
    for wrong in (
        blocks[1:],
        blocks[:middle] + blocks[middle + 1 :],
        [*blocks[: middle + 1], blocks[middle], *blocks[middle + 1 :]],
        [blocks[1], blocks[0], *blocks[2:]],
    ):
        with pytest.raises(LedgerWrong):
            asyncio.run(audited(wrong, authorities))


def test_an_empty_export_is_no_ledger(ledger: Ledger) -> None:
    """Nothing verified is not everything verified."""
    _, authorities, _ = ledger
    with pytest.raises(VerificationError, match="no block"):
        asyncio.run(audited([], authorities))


def test_every_signer_needs_its_root(ledger: Ledger) -> None:
    """A condominium whose root is not given is named; a stranger's root of the same name does not do."""
    blocks, authorities, _ = ledger
    with pytest.raises(LedgerWrong, match="borealMSP signed it"):
        asyncio.run(audited(blocks, {"aurora": authorities["aurora"]}))
    with pytest.raises(LedgerWrong, match="not issued under"):
        asyncio.run(audited(blocks, authorities | {"aurora": Authority.create("aurora", START)}))
    with pytest.raises(VerificationError, match="cannot be read"):
        LedgerAudit([b"no certificate"])


def forged(ledger: Ledger, function: str, change: Change) -> None:
    """Let the ledger itself be the forger: it changes the first transaction that called `function` and makes
    headers, hashes and signatures anew from there. Raises what the audit finds."""
    blocks, authorities, forger = ledger
    remade: list[ExportedBlock] = []
    done = False
    for block in blocks:
        bodies = []
        for body in block.transactions:
            record = decode_transaction(body)
            if not done and record.proposal.function == function:
                done = True
                body = encode_transaction(change(record))[0]  # noqa: PLW2901 - the forged one takes its place
            bodies.append(body)
        header = replace(
            decode_header(block.header),
            previous_hash=header_hash(remade[-1].header) if remade else bytes(32),
            data_hash=merkle.root_hash([merkle.leaf_hash(body) for body in bodies]),
        ).encode()
        signature = forger.sign(domain.BLOCK + header)
        remade.append(ExportedBlock(header, signature, forger.certificate, tuple(bodies)))
    assert done
    asyncio.run(audited(remade, authorities))


def test_a_forger_who_changes_nothing_is_not_found(ledger: Ledger) -> None:
    """The forgeries below fail for what they change, not for being re-signed."""
    forged(ledger, "session.settle", lambda record: record)


def in_first_set(change: Callable[[SetRecord], SetRecord]) -> Change:
    """Change the read-write set of the first namespace."""
    return lambda record: replace(record, sets=(change(record.sets[0]), *record.sets[1:]))


def value_at(kind: str, value: dict[str, int]) -> Change:
    """Write another value wherever a key of `kind` is written."""

    def change(each: SetRecord) -> SetRecord:
        prefix = composite_key(kind)
        writes = [w._replace(value=encode(value)) if w.key.startswith(prefix) else w for w in each.writes]
        return each._replace(writes=tuple(writes))

    return in_first_set(change)


def marked(validation: str) -> Change:
    """Another validation code."""
    return lambda record: replace(record, validation=VALIDATION_NUMBERS[validation])


@pytest.mark.parametrize(
    ("function", "change", "finding"),
    [
        ("token.issue", value_at("balance", {"amount": 9_999}), "another value"),
        ("session.settle", value_at("income", {"amount": 500}), "another value"),
        ("session.settle", lambda r: replace(r, result=r.result + b" "), "result"),
        ("session.settle", lambda r: replace(r, event=("session.settled", b"{}")), "event"),
        ("session.settle", lambda r: replace(r, event=None), "event"),
        ("session.open", lambda r: replace(r, sets=()), "read-write sets know nothing"),
        ("session.open", marked("MVCC_READ_CONFLICT"), "deserves VALID"),
        ("session.open", marked("DUPLICATE_TXID"), "deserves VALID"),
        ("session.open", in_first_set(lambda s: s._replace(writes=s.writes[1:])), "other keys"),
        ("session.open", in_first_set(lambda s: s._replace(reads=s.reads[1:])), "read set lacks"),
        (
            "session.settle",
            in_first_set(lambda s: s._replace(writes=(s.writes[0]._replace(replaced=5), *s.writes[1:]))),
            "does not replace",
        ),
        ("session.start", lambda r: replace(r, signature=b"0" + r.signature), "creator's signature"),
        (
            "session.start",
            lambda r: replace(r, payload=r.payload.replace(b"session.start", b"session.settl")),
            "creator's signature",
        ),
    ],
)
def test_even_the_ledger_itself_cannot_cheat(
    ledger: Ledger, function: str, change: Change, finding: str
) -> None:
    """A ledger that holds its own signing key and re-makes the chain is caught by the rules."""
    with pytest.raises(LedgerWrong, match=finding):
        forged(ledger, function, change)


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"null", b'{"header": "?"}', b"\xff"])
def test_a_line_that_is_no_block_is_named(line: bytes) -> None:
    """Whatever stands in the file, the answer names the block."""
    with pytest.raises(LedgerWrong, match="block 0"):
        asyncio.run(LedgerAudit([]).add(line))


def test_a_block_survives_its_line(ledger: Ledger) -> None:
    """What is exported reads back as it was."""
    for block in ledger[0]:
        assert decode_block(block.encode()) == block
