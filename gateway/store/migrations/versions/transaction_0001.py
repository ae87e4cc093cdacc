"""Purchases that wait for their payment, and nonces of signed queries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "transaction_0001"
down_revision = None
branch_labels = ("transaction",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "pending_purchase",
        sa.Column("reference", sa.String(64), nullable=False),
        sa.Column("wallet", sa.String(64), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("transaction", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_pending_purchase")),
    )
    for columns in (["wallet", "created_at"], ["created_at"]):
        op.create_index(op.f("_".join(["ix_pending_purchase", *columns])), "pending_purchase", columns)
    op.create_table(
        "query_nonce",
        sa.Column("wallet", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(32), nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("wallet", "nonce", name=op.f("pk_query_nonce")),
    )
    op.create_index(op.f("ix_query_nonce_until"), "query_nonce", ["until"])


def downgrade() -> None:
    """Remove the tables; their indices go with them."""
    op.drop_table("query_nonce")
    op.drop_table("pending_purchase")
