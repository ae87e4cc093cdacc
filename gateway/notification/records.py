"""The tables of notifications: what wallets chose, where they are pushed to, and what they were told."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint

from gateway.store.metadata import METADATA, Identifier, Instant

NOTICE_CHOICE = Table(
    "notice_choice",
    METADATA,
    Column("wallet", String(64), primary_key=True),
    # Kinds, with commas between them.
    Column("kinds", String(100), nullable=False),
)

PUSH_SUBSCRIPTION = Table(
    "push_subscription",
    METADATA,
    # SHA-256 of the endpoint, hexadecimal: what a browser names its subscription by.
    Column("id", String(64), primary_key=True),
    Column("wallet", String(64), nullable=False),
    Column("endpoint", Text, nullable=False),
    # The browser's P-256 key and its authentication secret (RFC 8291, section 3.2), base64url.
    Column("key", String(87), nullable=False),
    Column("secret", String(22), nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_push_subscription_wallet", "wallet"),
)

NOTICE = Table(
    "notice",
    METADATA,
    Column("id", Identifier, primary_key=True),
    Column("wallet", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    # What has happened, such as "full" or "begun".
    Column("name", String(32), nullable=False),
    Column("session", String(64), nullable=False),
    Column("unit", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    # Integers by name, as JSON.
    Column("values", Text, nullable=False),
    # However often it is noticed, by whichever gateway, it is told once.
    UniqueConstraint("session", "name"),
    Index("ix_notice_wallet_id", "wallet", "id"),
)
