"""The sessions that are under way, found by id, by the bytes that units name them with, and by unit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from gateway.charging.reason import Code
from gateway.clock import Clock
from gateway.monitor.session import LiveSession
from gateway.monitor.unit import Fleet


class Floor:
    """All live sessions, and when each unit was last heard of."""

    def __init__(self, fleet: Fleet, clock: Clock, is_out_of_order: Callable[[int], bool]) -> None:
        """`is_out_of_order` says of a unit whether the switch beside it fails."""
        self._fleet = fleet
        self._clock = clock
        self._is_out_of_order = is_out_of_order
        self._sessions: dict[str, LiveSession] = {}
        self._by_key: dict[bytes, LiveSession] = {}
        self._at_unit: dict[int, list[LiveSession]] = {}
        self._heard: dict[int, int] = {}

    def __iter__(self) -> Iterator[LiveSession]:
        return iter(list(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)

    def add(self, live: LiveSession) -> None:
        """Take a session in; those of one unit are kept in the order in which they were opened."""
        self._sessions[live.id] = live
        self._by_key[live.key] = live
        queue = self._at_unit.setdefault(live.unit.number, [])
        queue.append(live)
        queue.sort(key=_turn)
        if queue[0] is not live:
            live.obstructed(Code.OCCUPIED)

    def remove(self, live: LiveSession) -> None:
        """Forget a session that the ledger has ended."""
        self._sessions.pop(live.id, None)
        self._by_key.pop(live.key, None)
        queue = self._at_unit.get(live.unit.number, [])
        if live in queue:
            queue.remove(live)

    def client(self, session: str) -> LiveSession | None:
        """The session with this id."""
        return self._sessions.get(session)

    def named(self, key: bytes) -> LiveSession | None:
        """The session that a unit's message names."""
        return self._by_key.get(key)

    def first_at(self, unit: int) -> LiveSession | None:
        """The session whose turn it is at a unit: the meter serves one at a time."""
        queue = self._at_unit.get(unit)
        return queue[0] if queue else None

    def at(self, unit: int) -> list[LiveSession]:
        """The sessions at a unit, in the order in which they are served."""
        return list(self._at_unit.get(unit, ()))

    def hear(self, unit: int) -> bool:
        """A batch of the unit came. Returns whether it had been silent."""
        silent = not self.heard(unit)
        self._heard[unit] = self._clock.now() // 1000
        return silent

    def heard(self, unit: int) -> bool:
        """Whether the unit was heard of lately enough to be commanded."""
        last, facts = self._heard.get(unit), self._fleet.unit(unit)
        return (
            last is not None and facts is not None and self._clock.now() // 1000 - last < facts.silent_after
        )

    def last_heard(self, unit: int) -> int | None:
        """Unix seconds at which the unit was last heard of since the gateway started."""
        return self._heard.get(unit)

    def shift(self, seconds: int) -> None:
        """The gateway's time was set by so many seconds: who was heard of lately still was."""
        for unit in self._heard:
            self._heard[unit] += seconds

    def limit(self, group: str) -> int:
        """The group's maximum load, W."""
        return self._fleet.limit(group)

    def candidates(self, group: str) -> Iterable[LiveSession]:
        """The sessions of a group that can be served now; the others are told what they wait for."""
        for unit, queue in self._at_unit.items():
            if not queue or queue[0].unit.group != group:
                continue
            for later in queue[1:]:
                later.obstructed(Code.OCCUPIED)
            code = self._obstacle(unit)
            if code is None:
                yield queue[0]
            elif queue[0].running:
                queue[0].obstructed(code)

    def _obstacle(self, unit: int) -> Code | None:
        if not self.heard(unit):
            return Code.OFFLINE
        return Code.SWITCH if self._is_out_of_order(unit) else None


def _turn(live: LiveSession) -> tuple[bool, bool, int, str]:
    """Where a session stands at its unit: the one that has power, or was told to begin, keeps its place."""
    return not live.begun, live.granted_at is None, live.record.opened_at, live.id
