"""First come, first served, as the paper's case study ran it (section 5).

A session that has begun to charge keeps its power until it ends; the others wait in the order in which they
were opened, and a vehicle that takes no more waits behind all others. The first that cannot get its least
current keeps all behind it waiting, so nobody is overtaken and nobody starves. What is left over goes to the
next in the queue as soon as it is enough for the least current of its unit: 6 A where the unit can tell the
vehicle a limit (IEC 61851-1), its maximum where it can only switch.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from gateway.charging.reason import Code, Why
from gateway.charging.scheduler import Decision, Grant, Outlook, Request, Supply


class FirstComeFirstServed:
    """The scheduler of the paper's case study. Has no state."""

    def plan(
        self, now: int, supplies: Sequence[Supply], requests: Sequence[Request], grants: Sequence[Grant]
    ) -> list[Decision]:
        """See `Scheduler.plan`. Raises KeyError where a request names a group without a supply."""
        limits = {supply.group: supply.limit for supply in supplies}
        decisions: dict[str, Decision] = {}
        for group in {request.group for request in requests}:
            decisions |= _plan_group(
                now,
                limits[group],
                [request for request in requests if request.group == group],
                [grant for grant in grants if grant.group == group],
            )
        return [decisions[request.session] for request in requests]


def _plan_group(now: int, limit: int, requests: list[Request], grants: list[Grant]) -> dict[str, Decision]:
    charging = {grant.session for grant in grants}
    share = _Share(limit, grants)
    decisions: dict[str, Decision] = {}
    given: list[tuple[Request, int]] = []
    waiting: list[Request] = []
    for request in sorted(requests, key=lambda r: (r.full, r.session not in charging, r.arrival, r.session)):
        least = request.connection.load(request.least)
        if least > limit:
            decisions[request.session] = _decide(request, 0, Why(Code.NEVER, least=least, limit=limit))
            continue
        current = 0 if waiting else share.offer(request)
        if current == 0:
            waiting.append(request)
            continue
        given.append((request, current))
        if request.full:
            why = Why(Code.FULL)
        elif current == request.most:
            why = Why(Code.CHARGING, current=current)
        else:
            why = Why(Code.SHARED, current=current, maximum=request.most)
        decisions[request.session] = _decide(request, current, why, request.outlook(now, current))
    starts = _starts(now, limit, waiting, given)
    for position, (request, (start, expected)) in enumerate(zip(waiting, starts, strict=True), 1):
        why = Why(Code.QUEUED, position=position, wait=start - now)
        begins = start
        if request.full:
            why = Why(Code.FULL)
        elif position == 1 and share.fits(request):
            begins = now + _clearing(now, given, grants)
            why = Why(Code.CLEARING, wait=begins - now)
        decisions[request.session] = _decide(request, 0, why, request.outlook(begins, expected))
    return decisions


def _decide(request: Request, current: int, why: Why, outlook: Outlook | None = None) -> Decision:
    return Decision(request.session, request.unit, current, why, outlook)


class _Share:
    """What is left of a group's limit while it is handed out.

    Two sums must hold: what is decided (`planned`), and what units may draw until their earlier grants have
    expired (`exposed`: for each unit the greater of its outstanding grant and what is decided for it).
    """

    def __init__(self, limit: int, grants: Iterable[Grant]) -> None:
        self._held = {grant.unit: grant.load for grant in grants}
        self._planned = limit
        self._exposed = max(0, limit - sum(self._held.values()))

    def fits(self, request: Request) -> bool:
        """Whether the least current fits once all outstanding grants have expired."""
        return request.connection.load(request.least) <= self._planned

    def offer(self, request: Request) -> int:
        """Take for `request` as much current as is left, in mA; 0 where that is less than its least."""
        before = self._held.get(request.unit, 0)
        free = min(self._planned, self._exposed + before)
        current = min(request.most, request.connection.current(free))
        if current < request.least:
            return 0
        load = request.connection.load(current)
        self._planned -= load
        self._exposed -= max(0, load - before)
        return current


def _clearing(now: int, given: list[tuple[Request, int]], grants: Iterable[Grant]) -> int:
    """Seconds until the first grant runs out whose load is no longer, or not all of it, wanted."""
    wanted = {request.unit: request.connection.load(current) for request, current in given}
    ends = [grant.until for grant in grants if grant.load > wanted.get(grant.unit, 0)]
    return max(0, min(ends, default=now) - now)


def _starts(
    now: int, limit: int, waiting: list[Request], given: list[tuple[Request, int]]
) -> list[tuple[int, int]]:
    """When each waiting session would begin and with how many mA, if all went on as it is and each then got
    what is free, up to its maximum."""
    if not waiting:
        return []
    free = limit - sum(request.connection.load(current) for request, current in given)
    ends = [(now + r.remaining(now, current), r.connection.load(current)) for r, current in given]
    heapq.heapify(ends)
    starts = []
    moment = now
    for request in waiting:
        least = request.connection.load(request.least)
        while free < least and ends:
            moment, load = heapq.heappop(ends)
            free += load
        current = min(request.most, request.connection.current(free))
        starts.append((moment, current))
        load = request.connection.load(current)
        free -= load
        heapq.heappush(ends, (moment + request.remaining(moment, current), load))
    return starts
