"""Tables of accounts, their sessions, and the audit log. No secret is stored as it is: passwords as
argon2id hashes, tokens as SHA-256."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from gateway.store.metadata import METADATA, Identifier, Instant

ACCOUNT = Table(
    "account",
    METADATA,
    Column("id", Identifier, primary_key=True, autoincrement=True),
    Column("username", String(64), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("flat", String(100)),
    Column("role", String(16), nullable=False),
    Column("expires", Instant),
    Column("locked", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("password", String(200)),
    Column("created", Instant, nullable=False),
)

SESSION = Table(
    "access_session",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("account", Identifier, ForeignKey("account.id"), nullable=False, index=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("created", Instant, nullable=False),
    Column("seen", Instant, nullable=False),
    Column("expires", Instant, nullable=False),
    Column("address", String(64), nullable=False),
    Column("agent", String(200), nullable=False),
)

INVITATION = Table(
    "invitation",
    METADATA,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("account", Identifier, ForeignKey("account.id"), nullable=False, index=True),
    Column("expires", Instant, nullable=False),
)

FAILURE = Table(
    "login_failure",
    METADATA,
    Column("bucket", LargeBinary(32), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last", Instant, nullable=False, index=True),
)

KNOWN_ADDRESS = Table(
    "known_address",
    METADATA,
    Column("account", Identifier, ForeignKey("account.id"), primary_key=True),
    Column("address", String(64), primary_key=True),
    Column("last", Instant, nullable=False),
)

AUDIT = Table(
    "audit_entry",
    METADATA,
    Column("number", Identifier, primary_key=True, autoincrement=False),
    Column("time", Instant, nullable=False),
    Column("completes", Identifier),
    Column("account", Identifier),
    Column("name", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("operation", String(64), nullable=False),
    Column("target", String(300), nullable=False),
    Column("detail", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("status", Integer),
    Column("address", String(64), nullable=False),
    Column("previous", LargeBinary(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Index("ix_audit_entry_time", "time"),
    Index("ix_audit_entry_completes", "completes"),
    Index("ix_audit_entry_account", "account"),
)
"""Append-only: triggers refuse changes, and each row's hash covers the row before."""
