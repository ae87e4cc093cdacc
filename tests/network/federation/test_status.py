"""What `condocharge network status` says of a network that runs, that runs in part, and that does not."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner
from cryptography import x509
from rich.console import Console
from rich.table import Table

from chaincode.condominium import namespace_of
from network.authority import Authority
from network.command import network as command
from network.fabric.peer import Peer
from network.federation import lifecycle, overview
from network.federation import status as status_of
from network.federation.folder import Folder
from network.federation.status import CondominiumStatus, NamespaceStatus, status
from network.ledger import EvaluateError
from tests.federation import CODES, Network
from tests.network.fabric.load import caught_up

HERE = NamespaceStatus("condocharge-a", "1", 3, ("aMSP",), ("bMSP",), ("bMSP",))


def shown(table: Table) -> list[list[str]]:
    """The table's rows as they are printed."""
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    lines = [line.strip("│┃") for line in console.file.getvalue().splitlines() if "│" in line]
    return [[cell.strip() for cell in line.split("│")] for line in lines]


def entry(**changes: Any) -> CondominiumStatus:
    """A condominium where all is well, but for `changes`."""
    values: dict[str, Any] = {
        "code": "a",
        "processes": {"chaincode": 7},
        "peer_height": 12,
        "orderer_height": 12,
        "leads": False,
        "lag": 0,
        "orderer_lag": 0,
        "certificates_end": "2027-01-02",
        "certificates": {"ca/root.pem": "2036-01-01", "admin/certificate.pem": "2027-01-02"},
        "namespaces": (HERE,),
        "namespaces_error": None,
    }
    return CondominiumStatus(**(values | changes))


def test_the_table_of_machines() -> None:
    """A height, how far behind it is, what is down, who leads and when the first certificate ends."""
    behind = entry(code="b", lag=5, orderer_height=None, orderer_lag=None, processes={"chaincode": None})
    assert shown(overview.machines([entry(leads=True), behind])) == [
        ["a", "height 12", "height 12", "up", "yes", "2027-01-02"],
        ["b", "height 12, 5 behind", "down", "down", "", "2027-01-02"],
    ]


def test_the_first_certificate_to_end_is_named() -> None:
    """Of all condominiums' the one that ends first."""
    later = entry(code="b", certificates={"admin/certificate.pem": "2028-01-01"})
    sentence = "The first certificate to end is a's admin/certificate.pem, on 2027-01-02."
    assert overview.first_to_end([later, entry()]) == sentence


def test_the_table_of_approvals() -> None:
    """Who has approved, who has not, and who has approved what comes next; from a peer that answers."""
    first = NamespaceStatus("condocharge-b", "1", 0, (), ("aMSP", "bMSP"), None)
    down = entry(code="b", namespaces=())
    assert shown(overview.approvals([down, entry(namespaces=(HERE, first))])) == [
        ["a", "1", "3", "a", "b", "b"],
        ["b", "1", "not committed", "", "a, b", ""],
    ]
    settled = replace(HERE, awaited=(), next_approved_by=None)
    assert shown(overview.approvals([entry(namespaces=(settled,))])) == [["a", "1", "3", "a"]]


def test_no_name_is_cut_at_80_columns() -> None:
    """Also where codes are as long as they may be, half the members wait and machines are far behind."""
    codes = [f"condominium{number:05}" for number in range(6)]
    msps = tuple(f"{code}MSP" for code in codes)
    spaces = tuple(
        NamespaceStatus(f"condocharge-{code}", "12", 4, msps[:3], msps[3:], msps[:2]) for code in codes
    )
    found = [
        entry(code=code, namespaces=spaces, peer_height=123_456, lag=18_000, orderer_lag=18_000)
        for code in codes
    ]
    output = io.StringIO()
    console = Console(file=output, width=80)
    console.print(overview.machines(found))
    console.print(overview.approvals(found))
    lines = output.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in output.getvalue()
    for code in codes:
        assert sum(line.startswith(f"│ {code} ") for line in lines) == 2
    assert "18000" in output.getvalue()


def test_what_a_peer_did_not_say_is_said() -> None:
    """A list that ends early is not shown as if it were whole."""
    partial = entry(code="b", namespaces_error="UNAVAILABLE: connection refused")
    (sentence,) = overview.unanswered([entry(), partial])
    assert sentence == "b: its peer told of 1 namespaces and then failed: UNAVAILABLE: connection refused"


async def test_an_error_ends_the_list_and_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the peer said before it failed is there, and why there is no more."""
    answers = iter([None])

    async def committed(*_arguments: object) -> None:
        if next(answers, "gone") == "gone":
            raise EvaluateError("UNAVAILABLE: gone")

    async def approvals(*_arguments: object, **_options: object) -> dict[str, bool]:
        return {"auroraMSP": True}

    monkeypatch.setattr(lifecycle, "committed", committed)
    monkeypatch.setattr(lifecycle, "approvals", approvals)
    monkeypatch.setattr(status_of, "own_peer", lambda _folder: Peer("127.0.0.1:1", b""))
    members = [SimpleNamespace(namespace=namespace_of(code)) for code in ("aurora", "boreal")]
    federation = SimpleNamespace(channel="condocharge", members=members)
    admin = Authority.create("aurora").issue("admin", "admin")
    folder = SimpleNamespace(federation=federation, admin=lambda: admin)
    found, error = await status_of._namespaces(cast("Folder", folder))
    assert [each.namespace for each in found] == [namespace_of("aurora")]
    assert error == "UNAVAILABLE: gone"


@pytest.mark.fabric
@pytest.mark.slow
async def test_a_network_that_runs(federation: Network) -> None:
    """Heights, one leader, no lag, every approval, and the end that stands in each certificate."""
    found = await status(list(federation.folders.values()))
    assert [each.code for each in found] == list(CODES)
    assert sum(each.leads for each in found) == 1
    for each in found:
        folder = federation.folders[each.code]
        assert all(each.processes.values())
        assert each.namespaces_error is None
        assert each.peer_height is not None
        assert each.orderer_height is not None
        assert each.lag is not None
        assert {space.namespace for space in each.namespaces} == {namespace_of(code) for code in CODES}
        for space in each.namespaces:
            assert (set(space.approved_by), space.awaited) == ({f"{code}MSP" for code in CODES}, ())
        for file, end in each.certificates.items():
            certificate = x509.load_pem_x509_certificate((folder.path / file).read_bytes())
            assert certificate.not_valid_after_utc.date().isoformat() == end
        assert min(each.certificates.values()) == each.certificates_end
        assert {"ca/root.pem", "peer/tls/certificate.pem", "users/gateway/certificate.pem"} <= set(
            each.certificates
        )


@pytest.mark.fabric
@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_one_condominium_alone_knows_how_far_the_others_are(federation: Network) -> None:
    """With its own machines down it says so; with its folder alone it asks the others' orderers."""
    victim = "dune"
    for node in ("peer", "orderer"):
        federation.kill(victim, node, held=True)
    try:
        (down,) = await status([federation.folders[victim]])
        assert (down.peer_height, down.lag, down.orderer_height, down.orderer_lag) == (None,) * 4
        assert (down.processes["peer"], down.processes["orderer"], down.namespaces) == (None, None, ())
        assert down.namespaces_error
        (other,) = await status([federation.folders["aurora"]])
        assert other.lag is not None
    finally:
        for node in ("orderer", "peer"):
            await federation.release(victim, node)
        await caught_up(federation)


@pytest.mark.fabric
@pytest.mark.slow
def test_as_json_and_as_tables(federation: Network, tmp_path: Path) -> None:
    """What scripts read has the fields of the records, and people see every condominium."""
    typed = CliRunner().invoke(command, ["status", str(federation.path), "--json"])
    assert typed.exit_code == 0, typed.output
    record = json.loads(typed.output)
    assert [each["code"] for each in record] == list(CODES)
    assert set(record[0]) == set(asdict(entry()))
    typed = CliRunner().invoke(command, ["status", str(federation.path)])
    assert all(code in typed.output for code in CODES)
