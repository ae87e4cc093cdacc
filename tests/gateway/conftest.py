"""Databases for the gateway's tests: an empty SQLite one for each, and a private PostgreSQL cluster."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.store.database import Database
from tests.gateway import house
from tests.gateway.postgresql import Cluster, find_binaries, running


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("store") / "empty.sqlite"

    async def make() -> None:
        await (await Database.open(f"sqlite:///{path}")).close()

    asyncio.run(make())
    return path


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The URL of a fresh, migrated SQLite database."""
    path = tmp_path / "gateway.sqlite"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a gateway that was started once: keys, a ledger with its condominium, empty tables."""
    directory = tmp_path_factory.mktemp("gateway") / "state"

    async def found() -> None:
        async with house.opened(directory):
            pass

    asyncio.run(found())
    return directory


@pytest.fixture
async def gateway_house(founded: Path, tmp_path: Path) -> AsyncIterator[house.House]:
    """A whole gateway on a ledger and database of the test's own."""
    directory = tmp_path / "state"
    shutil.copytree(founded, directory)
    async with house.opened(directory) as opened:
        yield opened


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated SQLite database."""
    opened = await Database.open(sqlite_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def postgresql_cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of this test session's own."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    with running(binaries) as cluster:
        yield cluster


@pytest.fixture
def postgresql_url(postgresql_cluster: Cluster) -> str:
    """The URL of an empty PostgreSQL database, unmigrated."""
    return postgresql_cluster.create("test")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table, once for each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.sqlite'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def any_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh database, once for each kind; tests with it run on both."""
    name = "sqlite_url" if request.param == "sqlite" else "postgresql_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
async def any_database(any_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated database, once for each kind."""
    opened = await Database.open(any_url)
    yield opened
    await opened.close()
