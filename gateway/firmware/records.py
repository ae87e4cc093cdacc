"""Tables of images, of what units say that they run, and of what they are to run."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String, Table

from gateway.store.metadata import METADATA, Instant

IMAGE = Table(
    "firmware_image",
    METADATA,
    Column("board", String(16), primary_key=True),
    # As in an envelope (`chaincode.signing.firmware`).
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("length", Integer, nullable=False),
    # Hexadecimal.
    Column("hash", String(64), nullable=False),
    Column("uploaded_at", Instant, nullable=False),
    # Envelope and image.
    Column("content", LargeBinary, nullable=False),
)

REPORT = Table(
    "unit_firmware",
    METADATA,
    Column("unit", Integer, primary_key=True, autoincrement=False),
    # Unix seconds. New hardware at an old number counts its starts anew.
    Column("enrolled_at", BigInteger, nullable=False),
    Column("boot", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("board", String(16), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("updates", Boolean, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("falls", Integer, nullable=False),
    Column("reported_at", Instant, nullable=False),
)

ROLLOUT = Table(
    "firmware_rollout",
    METADATA,
    Column("unit", Integer, primary_key=True, autoincrement=False),
    Column("board", String(16), nullable=False),
    Column("version", BigInteger, nullable=False),
    # How often the unit had fallen back when it was ordered: one more, and it is offered no longer.
    Column("falls", Integer, nullable=False),
    Column("ordered_at", Instant, nullable=False),
)
