"""`condocharge audit`: take the ledger away and verify it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from network.authority import Authority
from tests.chaincode.world import PartyWallet
from tests.client.command.conftest import Terminal
from tests.client.residence import START, opened, registered


@dataclass
class Exported:
    """A ledger's lines and its condominium's root certificate."""

    lines: list[bytes]
    root: bytes


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A ledger with one session."""
    authorities = {"aurora": Authority.create("aurora", START)}

    async def charge(folder: Path) -> Exported:
        async with opened(folder, authorities) as bridge:
            aurora = await registered("aurora", bridge, authorities)
            unit, wallet = await aurora.enrol(7), PartyWallet()
            await aurora.fund(wallet, 1_000)
            await aurora.charge(wallet, unit, [0, 5_000_000])
            lines = [block.encode() for block in await bridge.blocks()]
            return Exported(lines, aurora.authority.root)

    return asyncio.run(charge(tmp_path_factory.mktemp("exported")))


@pytest.fixture
def root(exported: Exported, tmp_path: Path) -> str:
    """The root certificate's file."""
    path = tmp_path / "root.pem"
    path.write_bytes(exported.root)
    return str(path)


def serve(terminal: Terminal, lines: list[bytes]) -> None:
    """Let the gateway offer these blocks."""
    members = {"network": "condominiums", "height": len(lines), "hash": "ab" * 32}
    terminal.relay.answers["GET /v1/ledger"] = (200, members)
    terminal.relay.answers["GET /v1/ledger/export?from=0"] = (200, b"".join(each + b"\n" for each in lines))


def test_a_ledger_is_exported_and_verified(
    terminal: Terminal, exported: Exported, root: str, tmp_path: Path
) -> None:
    """An auditor needs no wallet: the export comes from any gateway, the trust from the certificate."""
    serve(terminal, exported.lines)
    file = tmp_path / "ledger.ndjson"
    assert terminal.json("audit", "export", str(file))["blocks"] == len(exported.lines)
    report = terminal.json("audit", "verify", str(file), "--root", root)
    assert report["verified"] is True
    assert report["functions"]["session.settle"] == 1
    assert report["supply"]["condocharge-aurora"] == {
        "issued": 1_000,
        "balances": 900,
        "escrow": 0,
        "income": 100,
        "redeemed": 0,
    }
    said = terminal.done("audit", "verify", str(file), "--root", root)
    assert report["last_hash"] in said
    assert "session.settle" in said


def test_an_altered_ledger_is_found_out(
    terminal: Terminal, exported: Exported, root: str, tmp_path: Path
) -> None:
    """Exit code 4 and the block's number."""
    file = tmp_path / "ledger.ndjson"
    file.write_bytes(b"\n".join([*exported.lines[:2], *exported.lines[3:]]))
    said = terminal.refused("audit", "verify", str(file), "--root", root, code=4)
    assert "block 2" in said


def test_an_export_that_breaks_off_leaves_no_file(
    terminal: Terminal, exported: Exported, tmp_path: Path
) -> None:
    """Half a ledger could be mistaken for a whole one; the exit code says try again."""
    serve(terminal, exported.lines)
    terminal.relay.answers["GET /v1/ledger/export?from=0"] = (200, exported.lines[0] + b"\n{")
    file = tmp_path / "ledger.ndjson"
    terminal.refused("audit", "export", str(file), code=3)
    assert list(tmp_path.glob("ledger*")) == []


def test_an_export_goes_on_top_of_an_older_one_whole(
    terminal: Terminal, exported: Exported, root: str, tmp_path: Path
) -> None:
    """A second export replaces the first, and a failed one leaves it."""
    file = tmp_path / "ledger.ndjson"
    serve(terminal, exported.lines)
    terminal.done("audit", "export", str(file))
    terminal.relay.answers["GET /v1/ledger/export?from=0"] = (200, b"{")
    terminal.refused("audit", "export", str(file), code=3)
    assert terminal.json("audit", "verify", str(file), "--root", root)["verified"] is True


def test_missing_files_are_named(terminal: Terminal, root: str, tmp_path: Path) -> None:
    """Neither a file nor a folder for it is taken for granted."""
    missing = str(tmp_path / "missing")
    assert "cannot be read" in terminal.refused("audit", "verify", missing, "--root", root)
    assert "cannot be read" in terminal.refused("audit", "verify", root, "--root", missing)
    serve(terminal, [])
    assert "cannot be written" in terminal.refused("audit", "export", f"{missing}/ledger.ndjson")
