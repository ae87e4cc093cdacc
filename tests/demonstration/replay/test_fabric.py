"""Real sessions on a real Fabric network, and the channel that they leave, verified and forged."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fabric_protos.common import common_pb2

from chaincode.signing.fabric.export import export_block, read_block
from client.auditor.channel import ChannelAudit
from client.auditor.errors import LedgerWrong, VerificationError
from client.auditor.report import LedgerReport
from client.command.main import main
from demonstration.replay.command import replay
from network.authority import Authority
from network.federation.binaries import Binaries
from network.federation.description import CHANNEL
from network.federation.package import RULES
from tests.demonstration.replay.test_replay import DATA, KEYS, check_sums
from tests.federation import Network, free_ports, running

pytestmark = [pytest.mark.fabric, pytest.mark.slow]

SESSIONS = 200
MVCC_READ_CONFLICT = b"\x0b"


@pytest.fixture(scope="module")
def trial(fabric_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Two condominiums that run the platform's own rules, with short blocks and a wide window of time."""
    path = tmp_path_factory.mktemp("trial") / "network"
    with running(
        path,
        fabric_binaries,
        codes=("aurora", "boreal"),
        rules=RULES,
        block_milliseconds=20,
        proposal_age="1000000h",
    ) as network:
        yield network


def run(network: Path, report: Path, *options: str) -> tuple[Result, dict[str, float]]:
    """The command's result and its report."""
    words = [str(DATA), "--ledger", "fabric", "--network", str(network), "--report", str(report), *options]
    result = CliRunner().invoke(replay, words)
    return result, json.loads(report.read_text()) if report.exists() else {}


@pytest.fixture(scope="module")
def replayed(trial: Network, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, dict[str, float]]:
    """The first sessions of the packaged file at the first condominium."""
    return run(trial.path, tmp_path_factory.mktemp("report") / "report.json", "--first", str(SESSIONS))


@pytest.mark.timeout(1_200)
def test_rows_become_settled_sessions(replayed: tuple[Result, dict[str, float]]) -> None:
    """As on the embedded ledger: each row settled, with its energy, and its receipt verified."""
    result, report = replayed
    assert result.exit_code == 0, result.output
    assert tuple(report) == KEYS
    assert report["rows"] - report["refused"] == report["sessions"] == report["settled"] > SESSIONS * 0.9
    assert report["energy_wh_ledger"] == pytest.approx(report["energy_wh_dataset"], rel=0.01)
    assert report["transactions"] >= 4 * report["sessions"]
    check_sums(report)
    verified = f"{report['transactions']:,} transactions in {report['blocks']:,} blocks"
    assert re.search(rf"^ledger verified +{verified}$", result.output, re.MULTILINE)


@pytest.fixture(scope="module")
def channel(
    trial: Network, replayed: tuple[Result, dict[str, float]], tmp_path_factory: pytest.TempPathFactory
) -> list[bytes]:
    """What an auditor takes away after the replay, from a peer and without a gateway."""
    assert replayed[0].exit_code == 0
    file = tmp_path_factory.mktemp("export") / "channel.ndjson"
    result = CliRunner().invoke(main, ["network", "export", str(trial.path), str(file)])
    assert result.exit_code == 0, result.output
    assert f"--root {trial.folders['aurora'].path}/ca/root.pem" in result.output
    return file.read_bytes().splitlines()


def root_of(network: Network, code: str) -> Path:
    """A condominium's root certificate."""
    return network.folders[code].path / "ca/root.pem"


def test_the_command_verifies_the_channel(
    trial: Network, channel: list[bytes], replayed: tuple[Result, dict[str, float]], tmp_path: Path
) -> None:
    """Under one member's root: every transaction run again, the same supply, and the last hash."""
    file = tmp_path / "channel.ndjson"
    file.write_bytes(b"".join(line + b"\n" for line in channel))
    words = ["audit", "verify", str(file), "--root", str(root_of(trial, "boreal")), "--json"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    found, report = json.loads(result.stdout), replayed[1]
    assert (found["verified"], found["network"], found["blocks"]) == (True, CHANNEL, len(channel))
    assert found["transactions"] == report["transactions"]
    assert found["functions"]["session.settle"] == report["settled"]
    supply = found["supply"]["condocharge-aurora"]
    assert supply == {term: report[term] for term in supply}


async def _audit(lines: list[bytes], *roots: bytes) -> LedgerReport:
    audit = ChannelAudit(roots)
    for line in lines:
        await audit.add(line)
    return audit.report()


def verify(lines: list[bytes], *roots: bytes) -> LedgerReport:
    """What an auditor says to an export."""
    return asyncio.run(_audit(lines, *roots))


def settled_in(channel: list[bytes]) -> int:
    """A block with a settlement."""
    for number, line in enumerate(channel):
        if b"session.settle" in read_block(line):
            return number
    raise AssertionError("nothing was settled")


def _invalid(block: common_pb2.Block) -> None:
    codes = bytearray(block.metadata.metadata[common_pb2.TRANSACTIONS_FILTER])
    codes[0:1] = MVCC_READ_CONFLICT
    block.metadata.metadata[common_pb2.TRANSACTIONS_FILTER] = bytes(codes)


def _unsigned(block: common_pb2.Block) -> None:
    block.metadata.metadata[common_pb2.SIGNATURES] = b""


def _signed_by_another(block: common_pb2.Block) -> None:
    metadata = common_pb2.Metadata.FromString(block.metadata.metadata[common_pb2.SIGNATURES])
    metadata.value += b"\x08\x01"
    block.metadata.metadata[common_pb2.SIGNATURES] = metadata.SerializeToString()


def _altered(block: common_pb2.Block) -> None:
    block.data.data[0] = block.data.data[0].replace(b"session.settle", b"session.cancel")


def _renumbered(block: common_pb2.Block) -> None:
    block.header.number += 1


def _relinked(block: common_pb2.Block) -> None:
    block.header.previous_hash = bytes(32)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_invalid, "is marked MVCC_READ_CONFLICT and is valid"),
        (_unsigned, "0 of its orderers signed"),
        (_signed_by_another, "0 of its orderers signed"),
        (_altered, "data hash"),
        (_renumbered, "stands in its place"),
        (_relinked, "does not name the block before"),
    ],
)
def test_a_forged_block_is_named(
    trial: Network, channel: list[bytes], change: Callable[[common_pb2.Block], None], why: str
) -> None:
    """Whatever is changed in a block, the audit says which block and what is wrong with it."""
    number = settled_in(channel)
    block = common_pb2.Block.FromString(read_block(channel[number]))
    change(block)
    lines = [*channel[:number], export_block(block.SerializeToString())]
    with pytest.raises(LedgerWrong, match=f"block {number}: .*{why}"):
        verify(lines, root_of(trial, "aurora").read_bytes())


def test_blocks_left_out_and_other_networks_are_refused(trial: Network, channel: list[bytes]) -> None:
    """A gap, an export that begins in the middle, a stranger's root, no block and no export at all."""
    root = root_of(trial, "aurora").read_bytes()
    number = settled_in(channel)
    with pytest.raises(LedgerWrong, match="stands in its place"):
        verify([*channel[:number], *channel[number + 1 : number + 2]], root)
    with pytest.raises(LedgerWrong, match="stands in its place"):
        verify(channel[number : number + 1], root)
    with pytest.raises(LedgerWrong, match="of none of its first members"):
        verify(channel[:1], Authority.create("aurora").root)
    with pytest.raises(VerificationError, match="no block"):
        verify([], root)
    for line in (b"{}", b"[]", b"nonsense", encoded_twice(channel[0])):
        with pytest.raises(LedgerWrong):
            verify([line], root)


def encoded_twice(line: bytes) -> bytes:
    """A line whose block is not base64 of a block."""
    return export_block(base64.b64encode(line))


@pytest.mark.timeout(600)
def test_a_limit_holds_and_no_condominium_is_used_twice(trial: Network, tmp_path: Path) -> None:
    """The second replay takes the other condominium; for a third there is none left."""
    result, report = run(trial.path, tmp_path / "report.json", "--first", "6", "--limit-kw", "8")
    assert result.exit_code == 0, result.output
    assert report["sessions"] == 6
    assert report["energy_wh_ledger"] < report["energy_wh_dataset"]
    check_sums(report)
    result, _ = run(trial.path, tmp_path / "none.json", "--first", "6")
    assert result.exit_code == 1
    assert "registered already" in result.output


def test_a_peer_that_does_not_answer_is_a_sentence(trial: Network, tmp_path: Path) -> None:
    """It names the condominium and the command that starts the network."""
    folder = tmp_path / "network" / "aurora"
    keys = shutil.ignore_patterns("data", "log", "run")
    shutil.copytree(trial.folders["aurora"].path, folder, ignore=keys)
    local = json.loads((folder / "local.json").read_text())
    local["ports"]["peer"] = free_ports(1)
    (folder / "local.json").write_text(json.dumps(local))
    result, _ = run(folder.parent, tmp_path / "report.json")
    assert result.exit_code == 1
    assert "the peer of aurora does not answer" in result.output
    assert f"condocharge network up {folder.parent}" in result.output


def test_what_cannot_be_played_is_a_sentence(tmp_path: Path) -> None:
    """No network, and a ledger without one."""
    result, _ = run(tmp_path / "nowhere", tmp_path / "report.json")
    assert result.exit_code == 1
    assert "holds no condominium's folder" in result.output
    result = CliRunner().invoke(replay, [str(DATA), "--ledger", "fabric"])
    assert result.exit_code == 2
    assert "--network" in result.output
