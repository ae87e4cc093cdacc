"""`condocharge receipt`: saved when it verifies, verified without a network."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from chaincode.signing.batch import NO_BATCH, batch_hash
from network.authority import Authority
from tests.chaincode.world import HOUR, PartyWallet
from tests.client.command.conftest import Terminal, certificate
from tests.client.relay import CONDOMINIUM, session_members
from tests.client.residence import START, opened, registered


@dataclass
class Kept:
    """A receipt, whose it is, and the certificate that proves it."""

    session: str
    wallet: str
    file: bytes
    root: str
    readings: bytes
    """The raw batches."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A session of 15 kWh that cost 3.00."""
    authorities = {"aurora": Authority.create("aurora", START)}

    async def charge(folder: Path) -> Kept:
        async with opened(folder, authorities) as bridge:
            aurora = await registered("aurora", bridge, authorities)
            unit, wallet = await aurora.enrol(7), PartyWallet()
            await aurora.fund(wallet, 1_000)
            session = await aurora.open(wallet, unit)
            times = (aurora.now, aurora.now + HOUR, aurora.wait(3 * HOUR))
            readings = list[bytes]()
            for time, register in zip(times, (1_000_000, 6_000_000, 16_000_000), strict=True):
                previous = batch_hash(readings[-1]) if readings else NO_BATCH
                readings.append(unit.evidence(session, time, register, previous=previous))
            await aurora.submit("session.settle", session.encode(), b"StoppedByEV", readings[0], readings[-1])
            receipt = await aurora.receipt(session)
            root = aurora.authority.root.decode()
            return Kept(session, wallet.id, receipt.encode(), root, b"".join(readings))

    return asyncio.run(charge(tmp_path_factory.mktemp("kept")))


def serve(terminal: Terminal, kept: Kept, file: bytes, session: str | None = None) -> None:
    """Let the gateway be Aurora's, with one ended session."""
    status, condominium = terminal.relay.answers["GET /v1/condominium"]  # type: ignore[misc]
    certificate = {"root_certificate": kept.root}
    terminal.relay.answers["GET /v1/condominium"] = (status, condominium | certificate)
    wallet = terminal.json("wallet", "create", "maria")["wallet"]
    row = session_members(session or kept.session, wallet, state="settled", activity="ended")
    terminal.relay.answers[f"GET /v1/wallets/{wallet}/sessions"] = (200, {"rows": [row], "bookmark": ""})
    terminal.relay.answers[f"GET /v1/sessions/{session or kept.session}/receipt"] = (200, file)


def test_the_newest_receipt_is_verified_and_saved(terminal: Terminal, kept: Kept, tmp_path: Path) -> None:
    """What is on disk are the gateway's bytes; what is shown comes from the proofs in them."""
    serve(terminal, kept, kept.file)
    target = tmp_path / "receipt.json"
    said = terminal.done("receipt", "save", "--output", str(target))
    assert target.read_bytes() == kept.file
    for expected in ("EUR 3.00", "EUR 2.00", "15.000 kWh", "signed by the unit", "Aurora (aurora), unit 7"):
        assert expected in said


def test_what_was_settled_goes_before_what_was_cancelled(
    terminal: Terminal, kept: Kept, tmp_path: Path
) -> None:
    """The session that ended last is meant, not the one that was opened last."""
    serve(terminal, kept, kept.file)
    wallet = terminal.json("wallet", "list")[0]["wallet"]
    rows = [
        session_members("cd" * 32, wallet, state="cancelled", ended=1_800_009_900),
        session_members("ef" * 32, wallet, state="settled", ended=1_800_009_000),
        session_members(kept.session, wallet, state="settled", ended=1_800_009_100),
    ]
    terminal.relay.answers[f"GET /v1/wallets/{wallet}/sessions"] = (200, {"rows": rows, "bookmark": ""})
    target = tmp_path / "receipt.json"
    assert kept.session in terminal.done("receipt", "save", "--output", str(target))
    assert target.read_bytes() == kept.file


def test_a_receipt_is_verified_without_a_wallet_or_a_network(
    terminal: Terminal, kept: Kept, tmp_path: Path
) -> None:
    """File and root certificate are enough; nothing is asked of anybody."""
    file, root = tmp_path / "receipt.json", tmp_path / "root.pem"
    file.write_bytes(kept.file)
    root.write_text(kept.root)
    proven = terminal.json("receipt", "verify", str(file), "--root", str(root))
    assert proven["verified"] is True
    assert proven["session"]["settlement"]["cost"] == 300
    assert proven["session"]["wallet"] == kept.wallet
    assert terminal.relay.requests == []


def test_another_members_receipt_is_verified_too(terminal: Terminal, kept: Kept, tmp_path: Path) -> None:
    """It is believed no more than the first one, and both members' roots have to be given for it."""
    file, root, other = (tmp_path / name for name in ("receipt.json", "root.pem", "other.json"))
    file.write_bytes(kept.file)
    root.write_text(kept.root)
    other.write_bytes(kept.file)
    words = ("receipt", "verify", str(file), "--with", str(other))
    assert "the blocks, by aurora" in terminal.done(*words, "--root", str(root))
    assert "needs --root" in terminal.refused(*words, code=2)
    other.write_bytes(kept.file.replace(b'"version":1', b'"version":9'))
    assert "not to be believed" in terminal.refused(*words, "--root", str(root), code=4)


def test_raw_readings_are_verified_with_it(terminal: Terminal, kept: Kept, tmp_path: Path) -> None:
    """The receipt's last batch commits to those that never were on the ledger."""
    file, root, raw = (tmp_path / name for name in ("receipt.json", "root.pem", "readings"))
    file.write_bytes(kept.file)
    root.write_text(kept.root)
    raw.write_bytes(kept.readings)
    words = ("receipt", "verify", str(file), "--root", str(root), "--readings", str(raw))
    assert terminal.json(*words)["readings"] == 3
    assert "restarted 0 times" in terminal.done(*words)
    raw.write_bytes(kept.readings[: 2 * len(kept.readings) // 3])
    assert "readings are not to be believed" in terminal.refused(*words, code=4)


def test_the_wallets_own_root_is_used_otherwise(terminal: Terminal, kept: Kept, tmp_path: Path) -> None:
    """The certificate that the wallet was made under verifies its receipts."""
    serve(terminal, kept, kept.file)
    file = tmp_path / "receipt.json"
    file.write_bytes(kept.file)
    assert terminal.json("receipt", "verify", str(file))["verified"] is True


def test_nobody_is_asked_which_wallet(terminal: Terminal, kept: Kept, tmp_path: Path) -> None:
    """Whichever of the wallets here trusts the condominium; without any the root has to be given."""
    file = tmp_path / "receipt.json"
    file.write_bytes(kept.file)
    assert "add --root" in terminal.refused("receipt", "verify", str(file))
    for name in ("ana", "rui"):
        elsewhere = CONDOMINIUM | {"root_certificate": certificate()}
        terminal.relay.answers["GET /v1/condominium"] = (200, elsewhere)
        terminal.done("wallet", "create", name)
    assert "not to be believed" in terminal.refused("receipt", "verify", str(file), code=4)
    serve(terminal, kept, kept.file)
    assert terminal.json("receipt", "verify", str(file))["verified"] is True


def test_a_file_that_is_there_is_not_written_over(terminal: Terminal, kept: Kept, tmp_path: Path) -> None:
    """Neither receipt nor readings, before anything is asked; with --force both."""
    serve(terminal, kept, kept.file)
    target, raw = tmp_path / "receipt.json", tmp_path / "readings"
    asked = len(terminal.relay.requests)
    for path in (target, raw):
        path.write_bytes(b"older")
        words = ("receipt", "save", "--output", str(target), "--readings", str(raw))
        assert f"{path.name} is there already" in terminal.refused(*words)
        assert path.read_bytes() == b"older"
        assert len(terminal.relay.requests) == asked
        path.unlink()
    target.write_bytes(b"older")
    terminal.done("receipt", "save", "--output", str(target), "--force")
    assert target.read_bytes() == kept.file


def test_a_forged_receipt_is_not_saved(terminal: Terminal, kept: Kept, tmp_path: Path) -> None:
    """Exit code 4, one sentence, no file."""
    forged = kept.file.replace(b'"index":0', b'"index":1', 1)
    serve(terminal, kept, forged)
    target = tmp_path / "receipt.json"
    said = terminal.refused("receipt", "save", "--output", str(target), code=4)
    assert "not to be believed" in said
    assert not target.exists()


def test_another_sessions_receipt_is_not_saved(terminal: Terminal, kept: Kept, tmp_path: Path) -> None:
    """A good receipt, but not the one that was asked for."""
    serve(terminal, kept, kept.file, session="ab" * 32)
    target = tmp_path / "receipt.json"
    said = terminal.refused("receipt", "save", "--output", str(target), code=4)
    assert "another session" in said
    assert not target.exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff", json.dumps([1]).encode()])
def test_what_is_no_receipt_is_said_so(
    terminal: Terminal, kept: Kept, tmp_path: Path, content: bytes
) -> None:
    """Any other file ends in the same sentence."""
    file, root = tmp_path / "receipt.json", tmp_path / "root.pem"
    file.write_bytes(content)
    root.write_text(kept.root)
    assert "not to be believed" in terminal.refused(
        "receipt", "verify", str(file), "--root", str(root), code=4
    )


def test_files_that_cannot_be_read_or_written_are_named(
    terminal: Terminal, kept: Kept, tmp_path: Path
) -> None:
    """The disk's troubles are sentences too."""
    serve(terminal, kept, kept.file)
    missing = tmp_path / "missing.json"
    assert "missing.json cannot be read" in terminal.refused("receipt", "verify", str(missing))
    nowhere = tmp_path / "nowhere" / "receipt.json"
    assert "cannot be written" in terminal.refused("receipt", "save", "--output", str(nowhere))
