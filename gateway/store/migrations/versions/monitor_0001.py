"""Alarms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "monitor_0001"
down_revision = None
branch_labels = ("monitor",)
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "alarm",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("unit", sa.Integer, nullable=True),
        sa.Column("session", sa.String(64), nullable=True),
        sa.Column("raised_at", sa.BigInteger, nullable=False),
        sa.Column("cleared_at", sa.BigInteger, nullable=True),
        sa.Column("value", sa.BigInteger, nullable=True),
        sa.Column("limit", sa.BigInteger, nullable=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index(op.f("ix_alarm_cleared_at_id"), "alarm", ["cleared_at", "id"])
    op.create_index(op.f("ix_alarm_unit_id"), "alarm", ["unit", "id"])


def downgrade() -> None:
    """Remove the table."""
    op.drop_index(op.f("ix_alarm_unit_id"), "alarm")
    op.drop_index(op.f("ix_alarm_cleared_at_id"), "alarm")
    op.drop_table("alarm")
