"""Groups, units' settings, and secrets."""

import sqlalchemy as sa
from alembic import op

revision = "configuration_0001"
down_revision = None
branch_labels = ("configuration",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "unit_group",
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("maximum_load", sa.Integer, nullable=False),
        sa.Column("phases", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_unit_group")),
    )
    op.create_table(
        "unit_settings",
        sa.Column("unit", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("location", sa.String(100), nullable=False),
        sa.Column("group", sa.String(32), nullable=False),
        sa.Column("relay", sa.String(16), nullable=False),
        sa.Column("transmission", sa.Integer, nullable=False),
        sa.Column("sampling", sa.Integer, nullable=False),
        sa.Column("maximum", sa.Integer, nullable=False),
        sa.Column("fallback", sa.Integer, nullable=False),
        sa.Column("dhcp", sa.Boolean, nullable=False),
        sa.Column("address", sa.String(15), nullable=False),
        sa.Column("mask", sa.String(15), nullable=False),
        sa.Column("router", sa.String(15), nullable=False),
        sa.Column("resolver", sa.String(15), nullable=False),
        sa.Column("server", sa.String(39), nullable=False),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("time_server", sa.String(39), nullable=False),
        sa.PrimaryKeyConstraint("unit", name=op.f("pk_unit_settings")),
        sa.ForeignKeyConstraint(["group"], ["unit_group.code"], name=op.f("fk_unit_settings_group")),
    )
    op.create_index(op.f("ix_unit_settings_group"), "unit_settings", ["group"])
    op.create_table(
        "secret",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secret")),
    )
