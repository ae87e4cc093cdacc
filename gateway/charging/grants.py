"""Outstanding grants: what each unit may still be acting on, kept so that a restart does not forget it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection, delete, insert, select

from chaincode.signing.command import VALIDITY
from gateway.charging.records import CHARGE_GRANT
from gateway.charging.scheduler import Grant
from gateway.clock import Clock
from gateway.store.database import Database

IN_FLIGHT = VALIDITY
"""Seconds for which a command may be under way and still be obeyed: a grant may begin that much later."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What is stored of a unit: the most that it may be acting on."""

    group: str
    session: str
    current: int
    load: int
    seconds: int


class Grants:
    """The grants of all units. What is asked of it is in memory; what changes is made durable by `save`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._grants: dict[int, list[Grant]] = {}
        """Oldest first; more than one where a later grant is lower and the earlier has not expired."""
        self._rows: dict[int, _Row] = {}
        self._dirty: set[int] = set()

    async def load(self) -> None:
        """Take every grant of before the restart to have been given just now."""
        rows = await self._database.read(lambda c: c.execute(select(CHARGE_GRANT)).all())
        now = self._clock.now() // 1000
        for unit, group, session, current, load, seconds in rows:
            self._grants[unit] = [Grant(unit, group, session, current, load, now + seconds + IN_FLIGHT)]
            self._rows[unit] = _Row(group, session, current, load, seconds)

    def newest(self, unit: int) -> Grant | None:
        """The last grant that the unit was given, None where there is none or it has expired."""
        grants = self._live(unit)
        return grants[-1] if grants else None

    def of(self, unit: int) -> Grant | None:
        """What the unit may be acting on: the greatest load of its grants, until the last one expires."""
        grants = self._live(unit)
        if len(grants) < 2:
            return grants[0] if grants else None
        greatest = max(grants, key=lambda grant: grant.load)
        return replace(
            grants[-1], current=greatest.current, load=greatest.load, until=max(g.until for g in grants)
        )

    def in_group(self, group: str) -> list[Grant]:
        """What the units of a group may be acting on."""
        grants = [self.of(unit) for unit in list(self._grants)]
        return [grant for grant in grants if grant is not None and grant.group == group]

    def give(self, *, unit: int, group: str, session: str, current: int, load: int, seconds: int) -> Grant:
        """Note that an ON of so many seconds goes out. Earlier grants count until they have expired."""
        grant = Grant(unit, group, session, current, load, self._clock.now() // 1000 + seconds + IN_FLIGHT)
        earlier = [g for g in self._live(unit) if g.load > load or g.until > grant.until]
        self._grants[unit] = [*earlier, grant]
        row = self._rows.get(unit)
        wider = _Row(group, session, current, load, seconds)
        if row is not None:
            wider = _Row(
                group, session, max(row.current, current), max(row.load, load), max(row.seconds, seconds)
            )
        if wider != row:
            self._rows[unit] = wider
            self._dirty.add(unit)
        return grant

    def drop(self, unit: int) -> None:
        """The unit has shown that its relay is open, or its grants have expired."""
        self._grants.pop(unit, None)
        if self._rows.pop(unit, None) is not None:
            self._dirty.add(unit)

    @property
    def outstanding(self) -> bool:
        """Whether any unit may be acting on a grant."""
        return any(self._live(unit) for unit in list(self._grants))

    def shift(self, seconds: int) -> None:
        """The gateway's time was set by so many seconds: what units act on lasts as long as before."""
        for unit, grants in self._grants.items():
            self._grants[unit] = [replace(grant, until=grant.until + seconds) for grant in grants]

    def _live(self, unit: int) -> list[Grant]:
        grants = self._grants.get(unit)
        if grants is None:
            return []
        now = self._clock.now() // 1000
        if any(grant.until <= now for grant in grants):
            grants = self._grants[unit] = [grant for grant in grants if grant.until > now]
            if not grants:
                self.drop(unit)
        return grants

    @property
    def unsaved(self) -> bool:
        """Whether `save` has anything to do."""
        return bool(self._dirty)

    async def save(self) -> None:
        """Make durable what has changed; every ON waits for this. Raises `StoreError`."""
        if not self._dirty:
            return
        changed = sorted(self._dirty)
        self._dirty.clear()
        rows = [{"unit": unit, **asdict(self._rows[unit])} for unit in changed if unit in self._rows]
        try:
            await self._database.write(lambda connection: _replace(connection, changed, rows))
        except BaseException:
            self._dirty.update(changed)
            raise


def _replace(connection: Connection, units: Sequence[int], rows: Sequence[dict[str, object]]) -> None:
    connection.execute(delete(CHARGE_GRANT).where(CHARGE_GRANT.c.unit.in_(units)))
    if rows:
        connection.execute(insert(CHARGE_GRANT), rows)
