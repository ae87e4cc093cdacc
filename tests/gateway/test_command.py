"""`condocharge invite`, the way back in for an administrator who lost their password, and `rebuild`."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Table, create_engine, delete, select

from gateway.command import invite, rebuild
from gateway.store.metadata import METADATA, projections
from tests.gateway import house
from tests.gateway.process import environment

NEW = "a password to remember"


@pytest.fixture
def directory(founded: Path, tmp_path: Path) -> Path:
    """The directory of a gateway whose administrator has a password, and which is stopped."""
    copy = tmp_path / "state"
    shutil.copytree(founded, copy)

    async def accept() -> None:
        async with house.opened(copy) as opened:
            await opened.caller("ADMIN")
            number = await opened.person("maria")
            async with await opened.caller("ADMIN") as admin:
                await admin.patch(f"/v1/accounts/{number}", json={"locked": True})

    asyncio.run(accept())
    return copy


def _invite(directory: Path, username: str) -> Result:
    return CliRunner().invoke(
        invite, [username], env=environment(directory, {"CONDOCHARGE_HTTP_PORT": "8080"})
    )


async def _changed(directory: Path, token: str) -> list[str]:
    """Accept the invitation, log in with the new password, and read who invited on the audit log."""
    async with house.opened(directory) as opened:
        # The command has the machine's clock, which is ahead of the house's.
        await opened.accept(token, NEW)
        async with opened.client(await opened.login("admin", NEW)) as admin:
            params = {"operation": "invite_from_console"}
            entries = (await admin.get("/v1/audit-log", params=params)).json()["entries"]
    return [entry["address"] for entry in entries]


def test_a_lost_password_is_replaced_from_the_machine_itself(directory: Path) -> None:
    """The link works once; that it was made is on the audit log."""
    result = _invite(directory, "admin")
    assert result.exit_code == 0, result.output
    link, token = result.stdout.strip().rsplit("/", 1)
    assert link == "http://127.0.0.1:8080/#/invitation"
    assert asyncio.run(_changed(directory, token)) == ["console"]


@pytest.mark.parametrize(
    ("username", "sentence"),
    [("nobody", "nobody is an account's"), ("maria", "neither locked nor expired")],
)
def test_who_cannot_come_in_is_a_sentence(directory: Path, username: str, sentence: str) -> None:
    """An unknown name, and an account that is locked for a reason."""
    result = _invite(directory, username)
    assert result.exit_code == 1 and sentence in result.stderr


def _rows(directory: Path, tables: list[Table]) -> dict[str, list[str]]:
    with create_engine(f"sqlite:///{directory / 'gateway.sqlite'}").connect() as connection:
        return {table.name: sorted(map(repr, connection.execute(select(table)))) for table in tables}


async def _sell(directory: Path) -> None:
    """Something to project: tokens sold to two wallets."""
    async with house.opened(directory) as opened, opened.client(await opened.login("admin")) as admin:
        for number, wallet in enumerate(("ab" * 32, "cd" * 32)):
            sale = {"reference": f"CASH-{number}", "wallet": wallet, "amount": 1_000}
            assert (await admin.post("/v1/purchases", json=sale)).is_success


def test_projections_come_back_from_the_ledger_row_by_row(directory: Path) -> None:
    """Even where they were lost or wrong; what is no projection stays as it is."""
    asyncio.run(_sell(directory))
    before = _rows(directory, METADATA.sorted_tables)
    assert any(before[table.name] for table in projections())
    with create_engine(f"sqlite:///{directory / 'gateway.sqlite'}").begin() as connection:
        for table in reversed(projections()):
            connection.execute(delete(table))
    result = CliRunner().invoke(rebuild, env=environment(directory))
    assert result.exit_code == 0, result.output
    assert all(table.name in result.stdout for table in projections())
    assert _rows(directory, METADATA.sorted_tables) == before
