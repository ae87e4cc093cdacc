"""Reading batches, start requests and command counters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "metering_0001"
down_revision = None
branch_labels = ("metering",)
depends_on = None


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "reading_batch",
        sa.Column("unit", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("enrolled_at", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("boot", sa.BigInteger, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("register", sa.BigInteger, nullable=False),
        sa.Column("session", sa.LargeBinary, nullable=True),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.Column("attestation", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("unit", "enrolled_at", "number", name=op.f("pk_reading_batch")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_reading_batch_session_number"),
        "reading_batch",
        ["session", "number"],
        sqlite_where=sa.text("session IS NOT NULL"),
        postgresql_where=sa.text("session IS NOT NULL"),
    )
    op.create_table(
        "start_request",
        sa.Column("unit", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("enrolled_at", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("boot", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("unit", "enrolled_at", "boot", "number", name=op.f("pk_start_request")),
    )
    op.create_table(
        "command_counter",
        sa.Column("unit", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("unit", name=op.f("pk_command_counter")),
    )


def downgrade() -> None:
    """Remove the three tables."""
    op.drop_table("command_counter")
    op.drop_table("start_request")
    op.drop_index(op.f("ix_reading_batch_session_number"), "reading_batch")
    op.drop_table("reading_batch")
