"""The table of purchases that wait for their payment. What was issued is on the ledger."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table

from gateway.store.metadata import METADATA, Instant

PENDING_PURCHASE = Table(
    "pending_purchase",
    METADATA,
    Column("reference", String(64), primary_key=True),
    Column("wallet", String(64), nullable=False),
    # Minor units.
    Column("amount", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    # The transaction that issued the tokens; null while it is not paid.
    Column("transaction", String(64), nullable=True),
    Index("ix_pending_purchase_wallet_created_at", "wallet", "created_at"),
    Index("ix_pending_purchase_created_at", "created_at"),
)

QUERY_NONCE = Table(
    "query_nonce",
    METADATA,
    Column("wallet", String(64), primary_key=True),
    # Hexadecimal.
    Column("nonce", String(32), primary_key=True),
    # Unix seconds after which the query is refused for its time alone.
    Column("until", BigInteger, nullable=False),
    Index("ix_query_nonce_until", "until"),
)
"""Nonces of signed queries that were answered: each is accepted once, by whichever gateway."""
