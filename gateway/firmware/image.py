"""The images that operators have uploaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from chaincode.errors import NotFound, StateConflict
from chaincode.signing.firmware import ENVELOPE_BYTES, Firmware, version_text
from gateway.firmware.records import IMAGE, ROLLOUT

MOST = 32
"""Images that a gateway keeps at a time."""
NAME_DIGITS = 32
"""Hexadecimal digits of a hash by which a unit names an image; a board has not much room for a request."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image as it was uploaded."""

    board: str
    version: int
    length: int
    """Bytes, without its envelope."""
    hash: str
    """BLAKE2b-256 in hexadecimal."""
    uploaded_at: int
    """Milliseconds since 1970."""


def add(connection: Connection, firmware: Firmware, content: bytes, now: int) -> Image:
    """Keep an image that was seen sound. The same bytes again are the same image.

    Raises StateConflict where another one has that board and version, or `MOST` are kept."""
    place = (IMAGE.c.board == firmware.board) & (IMAGE.c.version == firmware.version)
    known = connection.execute(select(IMAGE).where(place)).first()
    if known is not None:
        if known.content != content:
            named = f"{version_text(firmware.version)} for {firmware.board}"
            raise StateConflict("firmware.version", f"is above {named}, which is another image here")
        return _image(known)
    if (connection.execute(select(func.count()).select_from(IMAGE)).scalar() or 0) >= MOST:
        raise StateConflict("firmware", f"is one of at most {MOST}; remove one that no unit needs")
    connection.execute(
        insert(IMAGE).values(
            board=firmware.board,
            version=firmware.version,
            length=firmware.length,
            hash=firmware.hash.hex(),
            uploaded_at=now,
            content=content,
        )
    )
    return Image(firmware.board, firmware.version, firmware.length, firmware.hash.hex(), now)


def images(connection: Connection) -> list[Image]:
    """All of them, by board and version."""
    columns = (IMAGE.c.board, IMAGE.c.version, IMAGE.c.length, IMAGE.c.hash, IMAGE.c.uploaded_at)
    query = select(*columns).order_by(IMAGE.c.board, IMAGE.c.version)
    return [Image(*row) for row in connection.execute(query)]


def envelope(connection: Connection, board: str, version: int) -> bytes | None:
    """The envelope of an image, None where there is none."""
    return _cut(connection, board, version, 0, ENVELOPE_BYTES)


def is_named(connection: Connection, board: str, version: int, name: str) -> bool:
    """Whether there is such an image, and its hash begins with the `NAME_DIGITS` digits of `name`."""
    query = select(IMAGE.c.hash).where(IMAGE.c.board == board, IMAGE.c.version == version)
    found = connection.execute(query).scalar()
    return found is not None and found[:NAME_DIGITS] == name


def piece(connection: Connection, board: str, version: int, begin: int, count: int) -> bytes | None:
    """`count` bytes of an image from `begin` on; None where there is no such image, or it has not so many."""
    return _cut(connection, board, version, ENVELOPE_BYTES + begin, count)


def remove(connection: Connection, board: str, version: int) -> None:
    """Forget an image. Raises NotFound, and StateConflict while a unit is to run it."""
    ordered = (ROLLOUT.c.board == board) & (ROLLOUT.c.version == version)
    unit = connection.execute(select(ROLLOUT.c.unit).where(ordered).limit(1)).scalar()
    if unit is not None:
        raise StateConflict("firmware.version", f"is not what unit {unit} is to run")
    place = (IMAGE.c.board == board) & (IMAGE.c.version == version)
    if connection.execute(delete(IMAGE).where(place)).rowcount == 0:
        raise missing(board, version)


def missing(board: str, version: int) -> NotFound:
    """What to say where there is no such image."""
    return NotFound("firmware.version", f"{version_text(version)} for {board} was uploaded here")


def _cut(connection: Connection, board: str, version: int, begin: int, count: int) -> bytes | None:
    # The database cuts: an image of megabytes is asked for in pieces of a few kilobytes.
    query = select(func.substr(IMAGE.c.content, begin + 1, count)).where(
        IMAGE.c.board == board,
        IMAGE.c.version == version,
        # SQLite's substr counts in 32 bits and would begin again.
        IMAGE.c.length + ENVELOPE_BYTES >= begin + count,
    )
    found = connection.execute(query).scalar()
    return None if found is None else bytes(found)


def _image(row: Row[Any]) -> Image:
    return Image(row.board, row.version, row.length, row.hash, row.uploaded_at)
