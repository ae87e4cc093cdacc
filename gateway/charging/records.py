"""The table of what charge management has to know after a restart."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table

from gateway.store.metadata import METADATA

CHARGE_GRANT = Table(
    "charge_grant",
    METADATA,
    Column("unit", Integer, primary_key=True, autoincrement=False),
    Column("group", String(64), nullable=False),
    # Hexadecimal.
    Column("session", String(64), nullable=False),
    # mA.
    Column("current", BigInteger, nullable=False),
    # W, as it was counted against the group's limit.
    Column("load", BigInteger, nullable=False),
    # The longest that any ON of this row may have been, in seconds.
    Column("seconds", BigInteger, nullable=False),
)
"""The grant that a unit may be acting on. Written before the first ON of it goes out, and again only where
current or length rise: after a restart the relay is taken to stay closed for the whole length again."""
