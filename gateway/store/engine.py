"""SQLAlchemy engines for the two databases: one that writes, one that only reads."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.store.errors import Unreachable

_BUSY_MS = 5_000
_PAUSE_S = 0.005
_CONNECT_S = 5


def parse(url: str) -> URL:
    """`url` with the driver that is used for it. Raises ValueError where the database is another."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError("is a URL such as sqlite:///FILE or postgresql://USER@HOST/NAME") from error
    if parsed.drivername == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise ValueError("names a file: several threads share the database")
        return parsed
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    raise ValueError("begins with sqlite:/// or postgresql://")


def describe(url: str) -> str:
    """The database in words for messages, without its password."""
    parsed = parse(url)
    if parsed.drivername == "sqlite":
        return f"the database {parsed.database}"
    return f"the database {parsed.set(drivername='postgresql').render_as_string(hide_password=True)}"


def writer(url: str) -> Engine:
    """The engine with the one connection that writes. Transactions are serialisable."""
    parsed = parse(url)
    if parsed.drivername == "sqlite":
        return _sqlite(parsed, 1, "BEGIN IMMEDIATE", query_only=False)
    return _postgresql(parsed, 1, "SERIALIZABLE", read_only=False)


def reader(url: str, connections: int) -> Engine:
    """The engine whose connections read consistent snapshots and are not let write."""
    parsed = parse(url)
    if parsed.drivername == "sqlite":
        return _sqlite(parsed, connections, "BEGIN", query_only=True)
    return _postgresql(parsed, connections, "REPEATABLE READ", read_only=True)


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A transaction of the writing `engine` in which waiting for another gateway's migration, and then
    seeing it, is possible: a serialisable one keeps the snapshot that it had before it waited."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="READ COMMITTED")
        with connection.begin():
            yield connection


def _sqlite(url: URL, connections: int, begin: str, query_only: bool) -> Engine:
    engine = create_engine(url, pool_size=connections, max_overflow=0)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: ConnectionPoolEntry) -> None:
        # Python's sqlite3 would begin transactions by itself, and never before a SELECT.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        if not query_only:
            _write_ahead(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", f"query_only={'ON' if query_only else 'OFF'}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def open_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for its lock where this changes the file's mode, which it does once in its life.
    deadline = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def _postgresql(url: URL, connections: int, isolation: Any, read_only: bool) -> Engine:
    try:
        return create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,
            isolation_level=isolation,
            connect_args={
                "connect_timeout": _CONNECT_S,
                "options": f"-c default_transaction_read_only={'on' if read_only else 'off'}",
            },
        )
    except ModuleNotFoundError as error:
        raise Unreachable(
            "PostgreSQL needs the Python package psycopg; install condocharge[postgresql]"
        ) from error
