"""Firmware images, what units report, and what they are to run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "firmware_0001"
down_revision = None
branch_labels = ("firmware",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "firmware_image",
        sa.Column("board", sa.String(16), nullable=False),
        sa.Column("version", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("length", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("board", "version", name=op.f("pk_firmware_image")),
    )
    op.create_table(
        "unit_firmware",
        sa.Column("unit", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("enrolled_at", sa.BigInteger, nullable=False),
        sa.Column("boot", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("board", sa.String(16), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("updates", sa.Boolean, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("falls", sa.Integer, nullable=False),
        sa.Column("reported_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("unit", name=op.f("pk_unit_firmware")),
    )
    op.create_table(
        "firmware_rollout",
        sa.Column("unit", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("board", sa.String(16), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("falls", sa.Integer, nullable=False),
        sa.Column("ordered_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("unit", name=op.f("pk_firmware_rollout")),
    )


def downgrade() -> None:
    """Remove the tables."""
    for table in ("firmware_rollout", "unit_firmware", "firmware_image"):
        op.drop_table(table)
