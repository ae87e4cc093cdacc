"""The projections' tables. Amounts in minor units, energy in mWh, times in Unix seconds unless said."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from gateway.store.metadata import METADATA, PROJECTION, Instant

CURSOR = Table(
    "ledger_cursor",
    METADATA,
    # Always 1: there is one ledger.
    Column("id", Integer, primary_key=True, autoincrement=False),
    # The block whose events were applied last, and how many of them were.
    Column("block", BigInteger, nullable=False),
    Column("events", Integer, nullable=False),
    info=PROJECTION,
)

SESSION = Table(
    "ledger_session",
    METADATA,
    Column("session", String(64), primary_key=True),
    # Code of the condominium where it is.
    Column("host", String(16), nullable=False),
    Column("unit", Integer, nullable=False),
    Column("wallet", String(64), nullable=False),
    Column("issuer", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=True),
    Column("ended_at", BigInteger, nullable=True),
    Column("amount", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=True),
    Column("refund", BigInteger, nullable=True),
    Column("energy", BigInteger, nullable=True),
    Column("reason", String(32), nullable=True),
    Column("attested", Boolean, nullable=False),
    # The ledger's record, as it is there.
    Column("record", Text, nullable=False),
    # Where the event stands that opened it: lists are in this order.
    Column("position", BigInteger, nullable=False),
    Index("ix_ledger_session_wallet_position", "wallet", "position"),
    Index("ix_ledger_session_unit_position", "unit", "position"),
    Index("ix_ledger_session_state_host", "state", "host"),
    Index("ix_ledger_session_position", "position"),
    info=PROJECTION,
)

STATEMENT = Table(
    "ledger_statement",
    METADATA,
    # Where the event stands that moved the tokens, and which of its rows this is.
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("wallet", String(64), nullable=False),
    Column("issuer", String(16), nullable=False),
    # Milliseconds.
    Column("time", Instant, nullable=False),
    Column("kind", String(16), nullable=False),
    # What it added to the wallet's balance: negative where it left it.
    Column("amount", BigInteger, nullable=False),
    Column("session", String(64), nullable=True),
    Column("transaction", String(64), nullable=False),
    Index("ix_ledger_statement_wallet_position", "wallet", "position"),
    info=PROJECTION,
)

PURCHASE = Table(
    "ledger_purchase",
    METADATA,
    Column("issuer", String(16), primary_key=True),
    Column("reference", String(64), primary_key=True),
    Column("wallet", String(64), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("transaction", String(64), nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("ix_ledger_purchase_position", "position"),
    info=PROJECTION,
)

MANDATE = Table(
    "ledger_mandate",
    METADATA,
    Column("mandate", String(64), primary_key=True),
    Column("issuer", String(16), nullable=False),
    Column("wallet", String(64), nullable=False),
    Column("condominium", String(16), nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("revoked_at", BigInteger, nullable=True),
    Column("record", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("ix_ledger_mandate_wallet_position", "wallet", "position"),
    info=PROJECTION,
)

MANDATE_USE = Table(
    "ledger_mandate_use",
    METADATA,
    Column("mandate", String(64), primary_key=True),
    # Hexadecimal hash of a tag; empty for plugging in.
    Column("tag", String(32), primary_key=True),
    # A unit that the mandate names; -1 for every unit.
    Column("unit", Integer, primary_key=True, autoincrement=False),
    Index("ix_ledger_mandate_use_tag_unit", "tag", "unit"),
    info=PROJECTION,
)

TARIFF = Table(
    "ledger_tariff",
    METADATA,
    Column("condominium", String(16), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("record", Text, nullable=False),
    info=PROJECTION,
)

CLAIM = Table(
    "ledger_claim",
    METADATA,
    # Of two condominiums, the one where the visitor charged, and the one whose tokens paid.
    Column("host", String(16), primary_key=True),
    Column("issuer", String(16), primary_key=True),
    Column("session", String(64), primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("clearing", String(64), nullable=True),
    info=PROJECTION,
)
