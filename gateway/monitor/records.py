"""The table of alarms."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from gateway.store.metadata import METADATA, Identifier, Instant

ALARM = Table(
    "alarm",
    METADATA,
    Column("id", Identifier, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("unit", Integer, nullable=True),
    # Hexadecimal; null outside a session.
    Column("session", String(64), nullable=True),
    Column("raised_at", Instant, nullable=False),
    # Null while it lasts.
    Column("cleared_at", Instant, nullable=True),
    # What was measured, and what it should have been; their meaning is the kind's.
    Column("value", BigInteger, nullable=True),
    Column("limit", BigInteger, nullable=True),
    Column("text", Text, nullable=False),
    Index("ix_alarm_cleared_at_id", "cleared_at", "id"),
    Index("ix_alarm_unit_id", "unit", "id"),
)
