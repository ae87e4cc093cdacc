"""Tables of groups, units' settings and sealed secrets."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table

from gateway.store.metadata import METADATA

GROUP = Table(
    "unit_group",
    METADATA,
    Column("code", String(32), primary_key=True),
    Column("name", String(100), nullable=False),
    # W, all phases together, at nominal voltage.
    Column("maximum_load", Integer, nullable=False),
    Column("phases", Integer, nullable=False),
)

UNIT = Table(
    "unit_settings",
    METADATA,
    Column("unit", Integer, primary_key=True, autoincrement=False),
    Column("name", String(100), nullable=False),
    Column("location", String(100), nullable=False),
    Column("group", String(32), ForeignKey("unit_group.code"), nullable=False, index=True),
    Column("relay", String(16), nullable=False),
    # Empty but for the relay `network`.
    Column("switch", String(64), nullable=False, server_default=""),
    # Seconds.
    Column("transmission", Integer, nullable=False),
    Column("sampling", Integer, nullable=False),
    # mA for each phase.
    Column("maximum", Integer, nullable=False),
    Column("fallback", Integer, nullable=False),
    Column("dhcp", Boolean, nullable=False),
    Column("address", String(15), nullable=False),
    Column("mask", String(15), nullable=False),
    Column("router", String(15), nullable=False),
    Column("resolver", String(15), nullable=False),
    # Empty and 0 where the gateway's own settings hold.
    Column("server", String(39), nullable=False),
    Column("port", Integer, nullable=False),
    Column("time_server", String(39), nullable=False),
)

SECRET = Table(
    "secret",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
