"""Command counters: they rise strictly for each unit, over restarts of the gateway too.

A unit obeys no command whose counter is not above the last one's. The gateway keeps in the database a
number that no counter has reached, and moves it ahead by many at a time, so a command costs no write.
"""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from gateway.metering.records import COMMAND_COUNTER
from gateway.store.database import Database

RESERVE = 256
"""Counters reserved by one write; as many are skipped when the gateway is killed."""


class CommandCounters:
    """The counters of all units, 32 bits each: enough for one command a second in 136 years."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next: dict[int, tuple[int, int]] = {}

    async def take(self, unit: int) -> int:
        """A counter above every one that any gateway on this database has taken for `unit` before.

        Raises `StoreError` where none could be reserved."""
        following, end = self._next.get(unit, (0, 0))
        while following == end:
            start = await self._database.write(lambda connection: _reserve(connection, unit))
            # Another task may have reserved meanwhile; the higher range is as good for both.
            following, end = max(self._next.get(unit, (0, 0)), (start, start + RESERVE))
        self._next[unit] = (following + 1, end)
        return following

    def forget(self, unit: int) -> None:
        """Reserve anew at the next command: another gateway has spoken to the unit meanwhile."""
        self._next.pop(unit, None)


def _reserve(connection: Connection, unit: int) -> int:
    row = COMMAND_COUNTER.c.unit == unit
    start: int | None = connection.execute(select(COMMAND_COUNTER.c.reserved).where(row)).scalar_one_or_none()
    if start is None:
        # Counters begin at 1: a unit that has just started remembers 0.
        connection.execute(insert(COMMAND_COUNTER).values(unit=unit, reserved=1 + RESERVE))
        return 1
    connection.execute(update(COMMAND_COUNTER).where(row).values(reserved=start + RESERVE))
    return start
