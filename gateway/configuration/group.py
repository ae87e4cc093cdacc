"""Groups: units behind one supply limit (paper section 4.3.3, "maximum load per group").

The limit is in W at nominal voltage, all phases together: that is what a supply's contract states, what a
main fuse follows from, and what can be added up over units of one and of three phases. A limit in mA would
say how much only together with a number of phases and how each unit is wired to them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, insert, select, update

from chaincode.errors import NotFound, StateConflict
from gateway.configuration.records import GROUP, UNIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Units behind one limit."""

    code: str
    """Short and fixed: other services' records name it."""
    name: str
    maximum_load: int
    """W."""
    phases: int
    """1 or 3: a unit of three phases cannot be behind one."""


def all_groups(connection: Connection) -> list[Group]:
    """Every group, by code."""
    return [Group(**row._asdict()) for row in connection.execute(select(GROUP).order_by(GROUP.c.code))]


def by_code(connection: Connection, code: str) -> Group:
    """The group with this code. Raises NotFound."""
    row = connection.execute(select(GROUP).where(GROUP.c.code == code)).one_or_none()
    if row is None:
        raise NotFound("group", f"{code} exists; make it first")
    return Group(**row._asdict())


def add(connection: Connection, group: Group) -> None:
    """A new group. Raises StateConflict where the code is taken."""
    if connection.scalar(select(GROUP.c.code).where(GROUP.c.code == group.code)) is not None:
        raise StateConflict("code", "is not taken yet")
    connection.execute(insert(GROUP).values(**asdict(group)))


def change(connection: Connection, code: str, values: dict[str, object]) -> Group:
    """The group with `values` in place of its own. Raises NotFound."""
    by_code(connection, code)
    if values:
        connection.execute(update(GROUP).where(GROUP.c.code == code).values(**values))
    return by_code(connection, code)


def remove(connection: Connection, code: str) -> None:
    """Forget a group. Raises NotFound, StateConflict while units are in it."""
    by_code(connection, code)
    if connection.scalar(select(UNIT.c.unit).where(UNIT.c.group == code).limit(1)) is not None:
        raise StateConflict("group", "has no units; move them first")
    connection.execute(delete(GROUP).where(GROUP.c.code == code))
