"""Dropping what the ledger can give again."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.store.metadata import METADATA, projections


def rebuild(connection: Connection) -> list[str]:
    """Drop every projection and make it anew, empty; all other tables stay as they are.

    Returns the tables' names. The services fill them from the ledger's events when they start next: the
    block from which a projection goes on is kept in a projection too.
    """
    tables = projections()
    METADATA.drop_all(connection, tables=tables)
    METADATA.create_all(connection, tables=tables)
    return [table.name for table in tables]
