"""The grants that units may be acting on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "charging_0001"
down_revision = None
branch_labels = ("charging",)
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "charge_grant",
        sa.Column("unit", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("group", sa.String(64), nullable=False),
        sa.Column("session", sa.String(64), nullable=False),
        sa.Column("current", sa.BigInteger, nullable=False),
        sa.Column("load", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("unit", name=op.f("pk_charge_grant")),
    )


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("charge_grant")
