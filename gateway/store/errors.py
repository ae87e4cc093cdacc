"""What can go wrong with the database itself, each in a sentence that says what to do.

::

    StoreError
    ├── Unreachable   no connection, or it broke; what was being written may or may not be there
    ├── Busy          somebody else holds the lock for too long
    ├── Full          no room on the disk
    ├── Damaged       the file is no database, or is no longer sound
    └── WrongVersion  the schema is from a newer version of this software

What a caller's own statements violate (`sqlalchemy.exc.IntegrityError`) is not translated: the caller
knows which rule that was.
"""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class StoreError(Exception):
    """The database cannot do what was asked, whatever was asked."""


class Unreachable(StoreError):
    """No connection to the database."""


class Busy(StoreError):
    """Another process holds the database's lock."""


class Full(StoreError):
    """The disk is full."""


class Damaged(StoreError):
    """The database's file is not sound."""


class WrongVersion(StoreError):
    """The database's schema is newer than this software."""


_CONFLICTS = {"40001", "40P01"}
"""SQLSTATE serialization_failure and deadlock_detected (PostgreSQL, appendix A)."""

_SQLITE: tuple[tuple[str, type[StoreError], str], ...] = (
    (
        "locked",
        Busy,
        "{where} is locked by another process; stop the other gateway, or whatever has the file open",
    ),
    ("disk is full", Full, "the disk that holds {where} is full; free some space and try again"),
    ("disk i/o error", Full, "{where} cannot be written; check the disk and its free space"),
    (
        "unable to open",
        Unreachable,
        "{where} cannot be opened; check that the directory exists and may be written",
    ),
    ("readonly", Unreachable, "{where} is read-only; give this user the right to write it"),
    ("malformed", Damaged, "{where} is damaged; restore it from a backup"),
    ("not a database", Damaged, "{where} is not a database; name another file or restore a backup"),
)

_POSTGRESQL: tuple[tuple[tuple[str, ...], type[StoreError], str], ...] = (
    (("53100",), Full, "the disk of {where} is full; free some space and try again"),
    (("53300",), Busy, "{where} has no connection left; raise max_connections or stop other clients"),
    (("55P03",), Busy, "{where} is locked by another client; try again"),
    (("25006",), Unreachable, "{where} is read-only; connect to the primary server"),
    (("28", "3D"), Unreachable, "{where} refuses the login; check user, password and database name"),
    (("XX001", "XX002"), Damaged, "{where} is damaged; restore it from a backup"),
)


def is_conflict(error: BaseException) -> bool:
    """Whether the transaction lost against a concurrent one and may simply be run again."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _CONFLICTS


def store_error(error: BaseException, where: str) -> StoreError | None:
    """The sentence for `error`, or None where it is the statement's fault and not the database's.

    `where` names the database without its password."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, PoolTimeout):
        return Busy(f"{where} has no free connection; it answers too slowly")
    if not isinstance(error, DBAPIError):
        return None
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        for prefixes, kind, sentence in _POSTGRESQL:
            if state.startswith(prefixes):
                return kind(sentence.format(where=where))
    text = str(error.orig).lower()
    for words, kind, sentence in _SQLITE:
        if state is None and words in text:
            return kind(sentence.format(where=where))
    if error.connection_invalidated or (isinstance(error, OperationalError) and state in (None, "57P01")):
        return Unreachable(f"{where} does not answer; check that it runs and can be reached")
    return None
