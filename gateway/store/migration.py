"""Bringing a database's schema to this version of the software."""

from __future__ import annotations

from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, text

from gateway.store.errors import WrongVersion

_LOCK = 0x436F6E646F
"""PostgreSQL's advisory lock of a gateway that migrates; the number has no other meaning."""


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration for the packaged migrations."""
    with as_file(files("gateway.store").joinpath("migrations")) as directory:
        config = Config()
        config.set_main_option("script_location", str(directory))
    config.attributes["connection"] = connection
    return config


def migrate(connection: Connection, target: str = "heads") -> None:
    """Run every migration that `connection`'s database lacks, within the caller's transaction.

    Several gateways that start at once on one PostgreSQL wait for each other. Raises `WrongVersion`
    where the database has been migrated by a newer version."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    try:
        command.upgrade(configuration(connection), target)
    except CommandError as error:
        raise WrongVersion(
            "the database was made by a newer version of condocharge; install that version, "
            f"or restore an older backup ({error})"
        ) from error
