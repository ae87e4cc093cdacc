"""The migrations make exactly the tables that the services declare, on both databases."""

from __future__ import annotations

import asyncio
import pkgutil
from importlib import import_module

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

import gateway
from gateway.store.database import Database
from gateway.store.metadata import METADATA
from gateway.store.migration import configuration


def _declare_everything() -> None:
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if module.name.endswith(".records"):
            import_module(module.name)


async def test_migrations_and_records_agree(any_database: Database) -> None:
    """No table, column, index or key is in one and not in the other."""
    _declare_everything()

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), METADATA))

    assert await any_database.read(differences) == []


async def test_every_table_is_declared_or_alembics(any_database: Database) -> None:
    """A migration does not leave a table that nobody declares."""
    _declare_everything()
    names = await any_database.read(lambda c: set(inspect(c).get_table_names()))
    assert names == {*METADATA.tables, "alembic_version"}


async def test_gateways_that_start_at_once_migrate_once(empty_url: str) -> None:
    """Two that open an empty database at the same time both find it ready."""
    first, second = await asyncio.gather(*(Database.open(empty_url) for _ in range(2)))
    names = await first.read(lambda c: set(inspect(c).get_table_names()))
    assert names >= set(METADATA.tables)
    await first.close()
    await second.close()


def test_each_service_has_one_line_of_revisions() -> None:
    """A branch for each service, one head each, revisions named as their files."""
    script = ScriptDirectory.from_config(configuration())
    revisions = list(script.walk_revisions())
    for revision in revisions:
        assert revision.path.endswith(f"/{revision.revision}.py")
        assert len(revision.branch_labels) == 1
        (service,) = revision.branch_labels
        assert revision.revision.startswith(f"{service}_")
        assert revision.doc.endswith(".")
    services = [next(iter(script.get_revision(head).branch_labels)) for head in script.get_heads()]
    assert len(services) == len(set(services))
