"""Rebuilding drops the projections and nothing else."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select

from gateway.store import metadata, projection
from gateway.store.database import Database


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> MetaData:
    """A catalogue with a projection and a table of people."""
    catalogue = MetaData()
    Table("balance", catalogue, Column("id", Integer, primary_key=True), info=metadata.PROJECTION)
    Table("person", catalogue, Column("id", Integer, primary_key=True))
    monkeypatch.setattr(metadata, "METADATA", catalogue)
    monkeypatch.setattr(projection, "METADATA", catalogue)
    return catalogue


async def test_rebuild_empties_projections_alone(any_database: Database, tables: MetaData) -> None:
    """People stay; balances are there again, empty."""
    await any_database.write(tables.create_all)
    for table in tables.tables.values():
        await any_database.write(lambda c, table=table: c.execute(insert(table).values(id=1)))  # type: ignore[misc]
    assert await any_database.write(projection.rebuild) == ["balance"]
    counts = {
        name: await any_database.read(lambda c, table=table: len(c.execute(select(table)).all()))  # type: ignore[misc]
        for name, table in tables.tables.items()
    }
    assert counts == {"balance": 0, "person": 1}
