"""What wallets want to be told, where, and what they were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "notification_0001"
down_revision = None
branch_labels = ("notification",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "notice_choice",
        sa.Column("wallet", sa.String(64), nullable=False),
        sa.Column("kinds", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("wallet", name=op.f("pk_notice_choice")),
    )
    op.create_table(
        "push_subscription",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("wallet", sa.String(64), nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("key", sa.String(87), nullable=False),
        sa.Column("secret", sa.String(22), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_subscription")),
    )
    op.create_index(op.f("ix_push_subscription_wallet"), "push_subscription", ["wallet"])
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("wallet", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("session", sa.String(64), nullable=False),
        sa.Column("unit", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("values", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("session", "name", name=op.f("uq_notice_session_name")),
    )
    op.create_index(op.f("ix_notice_wallet_id"), "notice", ["wallet", "id"])


def downgrade() -> None:
    """Remove the tables; their indices go with them."""
    op.drop_table("notice")
    op.drop_table("push_subscription")
    op.drop_table("notice_choice")
