"""The one catalogue of tables. Each service declares its own on it, in its `records` module."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData, Table

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables of the gateway. Constraints have names, so that migrations can drop them."""

PROJECTION = {"projection": True}
"""For `Table(..., info=PROJECTION)`: the table can be dropped and rebuilt from the ledger."""

Identifier = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit key; SQLite counts up only columns that are called INTEGER."""

Instant = BigInteger
"""Milliseconds since 1970 (UTC)."""


def projections() -> list[Table]:
    """The tables that are projections, each after those that it refers to."""
    return [table for table in METADATA.sorted_tables if table.info.get("projection") is True]
