"""Projections of the ledger: sessions, statements, purchases, mandates, tariffs, claims."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "projection_0001"
down_revision = None
branch_labels = ("projection",)
depends_on = None

_TABLES = (
    "ledger_claim",
    "ledger_tariff",
    "ledger_mandate_use",
    "ledger_mandate",
    "ledger_purchase",
    "ledger_statement",
    "ledger_session",
    "ledger_cursor",
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "ledger_cursor",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_cursor")),
    )
    _sessions()
    _money()
    _mandates()
    op.create_table(
        "ledger_tariff",
        sa.Column("condominium", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.BigInteger, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("condominium", "number", name=op.f("pk_ledger_tariff")),
    )
    op.create_table(
        "ledger_claim",
        sa.Column("host", sa.String(16), nullable=False),
        sa.Column("issuer", sa.String(16), nullable=False),
        sa.Column("session", sa.String(64), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("clearing", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("host", "issuer", "session", name=op.f("pk_ledger_claim")),
    )


def downgrade() -> None:
    """Remove the tables; their indices go with them."""
    for table in _TABLES:
        op.drop_table(table)


def _sessions() -> None:
    op.create_table(
        "ledger_session",
        sa.Column("session", sa.String(64), nullable=False),
        sa.Column("host", sa.String(16), nullable=False),
        sa.Column("unit", sa.Integer, nullable=False),
        sa.Column("wallet", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=True),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("cost", sa.BigInteger, nullable=True),
        sa.Column("refund", sa.BigInteger, nullable=True),
        sa.Column("energy", sa.BigInteger, nullable=True),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.Column("attested", sa.Boolean, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_ledger_session")),
    )
    for columns in (["wallet", "position"], ["unit", "position"], ["state", "host"], ["position"]):
        op.create_index(op.f("_".join(["ix_ledger_session", *columns])), "ledger_session", columns)


def _money() -> None:
    op.create_table(
        "ledger_statement",
        sa.Column("position", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("wallet", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(16), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("session", sa.String(64), nullable=True),
        sa.Column("transaction", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("position", "line", name=op.f("pk_ledger_statement")),
    )
    op.create_index(op.f("ix_ledger_statement_wallet_position"), "ledger_statement", ["wallet", "position"])
    op.create_table(
        "ledger_purchase",
        sa.Column("issuer", sa.String(16), nullable=False),
        sa.Column("reference", sa.String(64), nullable=False),
        sa.Column("wallet", sa.String(64), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("transaction", sa.String(64), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "reference", name=op.f("pk_ledger_purchase")),
    )
    op.create_index(op.f("ix_ledger_purchase_position"), "ledger_purchase", ["position"])


def _mandates() -> None:
    op.create_table(
        "ledger_mandate",
        sa.Column("mandate", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(16), nullable=False),
        sa.Column("wallet", sa.String(64), nullable=False),
        sa.Column("condominium", sa.String(16), nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger, nullable=True),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("mandate", name=op.f("pk_ledger_mandate")),
    )
    op.create_index(op.f("ix_ledger_mandate_wallet_position"), "ledger_mandate", ["wallet", "position"])
    op.create_table(
        "ledger_mandate_use",
        sa.Column("mandate", sa.String(64), nullable=False),
        sa.Column("tag", sa.String(32), nullable=False),
        sa.Column("unit", sa.Integer, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("mandate", "tag", "unit", name=op.f("pk_ledger_mandate_use")),
    )
    op.create_index(op.f("ix_ledger_mandate_use_tag_unit"), "ledger_mandate_use", ["tag", "unit"])
