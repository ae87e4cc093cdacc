"""Addresses of network switches."""

import sqlalchemy as sa
from alembic import op

revision = "configuration_0002"
down_revision = "configuration_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no unit has a switch yet."""
    op.add_column("unit_settings", sa.Column("switch", sa.String(64), nullable=False, server_default=""))
