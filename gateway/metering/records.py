"""The tables of what units have sent: their exact bytes, which no ledger event could give again."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, text

from gateway.store.metadata import METADATA, Instant

READING_BATCH = Table(
    "reading_batch",
    METADATA,
    Column("unit", Integer, primary_key=True, autoincrement=False),
    # Unix seconds. New hardware at an old number counts its batches from the start again.
    Column("enrolled_at", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("boot", BigInteger, nullable=False),
    # Unix seconds, by the unit's clock.
    Column("time", BigInteger, nullable=False),
    # mWh.
    Column("register", BigInteger, nullable=False),
    # The first 16 bytes of the session's id; null outside a session.
    Column("session", LargeBinary, nullable=True),
    Column("received_at", Instant, nullable=False),
    Column("message", LargeBinary, nullable=False),
    # Of class mac alone.
    Column("attestation", LargeBinary, nullable=True),
    # Most batches are outside any session, and those need no entry.
    Index(
        "ix_reading_batch_session_number",
        "session",
        "number",
        sqlite_where=text("session IS NOT NULL"),
        postgresql_where=text("session IS NOT NULL"),
    ),
    # Batches lie in their meter's order, so storing some of them touches one page a meter and not three.
    sqlite_with_rowid=False,
)

START_REQUEST = Table(
    "start_request",
    METADATA,
    Column("unit", Integer, primary_key=True, autoincrement=False),
    Column("enrolled_at", BigInteger, primary_key=True, autoincrement=False),
    Column("boot", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("received_at", Instant, nullable=False),
    Column("message", LargeBinary, nullable=False),
)

COMMAND_COUNTER = Table(
    "command_counter",
    METADATA,
    Column("unit", Integer, primary_key=True, autoincrement=False),
    # Every counter below this one may have been used.
    Column("reserved", BigInteger, nullable=False),
)
