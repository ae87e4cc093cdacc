"""Slowing down whoever guesses passwords, without letting them lock anybody out.

Failures are counted in buckets; each bucket allows a few at once, then one after ever longer waits. An
attempt is weighed in three: its address; the user name as tried from that address, if a login from there
succeeded before; else the user name as tried from all unknown addresses together. So guesses from many
addresses share one bucket, and the account's owner, at home, has another that the guesser cannot fill
(OWASP, "Slow Down Online Guessing Attacks with Device Cookies", by address instead of cookie).
User names that do not exist are treated alike. Buckets forget after a day.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from gateway.access.records import FAILURE, KNOWN_ADDRESS

FREE_FOR_A_NAME = 5
FREE_FOR_AN_ADDRESS = 20
LONGEST_WAIT = 900_000
FORGET = 86_400_000
KNOWN_FOR = 90 * 86_400_000
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One count of failures."""

    key: bytes
    free: int
    """Failures before the first wait."""
    shared: bool
    """Whether others than the account's owner fill it: a success forgets one attempt, not all."""


def place(address: str) -> str:
    """The part of an address that one household has: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def buckets(connection: Connection, username: str, account: int | None, where: str, now: int) -> list[Bucket]:
    """The buckets in which an attempt from `where` (see `place`) on `username` is weighed."""
    known = account is not None and (
        connection.scalar(
            select(KNOWN_ADDRESS.c.last).where(
                KNOWN_ADDRESS.c.account == account,
                KNOWN_ADDRESS.c.address == where,
                KNOWN_ADDRESS.c.last > now - KNOWN_FOR,
            )
        )
        is not None
    )
    origin = where if known else "elsewhere"
    return [
        Bucket(_key("address", where), FREE_FOR_AN_ADDRESS, shared=True),
        Bucket(_key("name", username, origin), FREE_FOR_A_NAME, shared=False),
    ]


def change_bucket(account: int) -> Bucket:
    """The bucket of whoever changes a password and must know the present one."""
    return Bucket(_key("change", str(account)), FREE_FOR_A_NAME, shared=False)


def wait(connection: Connection, weighed: list[Bucket], now: int) -> int:
    """Milliseconds until the next attempt is heard; 0 for now."""
    longest = 0
    for bucket in weighed:
        row = connection.execute(select(FAILURE).where(FAILURE.c.bucket == bucket.key)).one_or_none()
        if row is None or row.last <= now - FORGET or row.failures < bucket.free:
            continue
        pause = min(LONGEST_WAIT, 1000 * 2 ** min(row.failures - bucket.free, 20))
        longest = max(longest, row.last + pause - now)
    return longest


def fail(connection: Connection, weighed: list[Bucket], now: int) -> None:
    """Count an attempt. It is counted before the password is looked at, so that many attempts at once
    are not all free; a success forgets it again."""
    connection.execute(delete(FAILURE).where(FAILURE.c.last <= now - FORGET))
    for bucket in weighed:
        changed = connection.execute(
            update(FAILURE)
            .where(FAILURE.c.bucket == bucket.key)
            .values(failures=FAILURE.c.failures + 1, last=now)
        )
        if not changed.rowcount:
            connection.execute(insert(FAILURE).values(bucket=bucket.key, failures=1, last=now))


def forgive(connection: Connection, weighed: list[Bucket]) -> None:
    """The attempt was right: forget it, and the failures before it where they were the owner's."""
    for bucket in weighed:
        mine = FAILURE.c.bucket == bucket.key
        if bucket.shared:
            connection.execute(update(FAILURE).where(mine).values(failures=FAILURE.c.failures - 1))
        else:
            connection.execute(delete(FAILURE).where(mine))


def remember(connection: Connection, account: int, where: str, now: int) -> None:
    """A login succeeded from `where`: later ones from there have a bucket of their own."""
    known = (KNOWN_ADDRESS.c.account == account) & (KNOWN_ADDRESS.c.address == where)
    if not connection.execute(update(KNOWN_ADDRESS).where(known).values(last=now)).rowcount:
        connection.execute(insert(KNOWN_ADDRESS).values(account=account, address=where, last=now))


def _key(*parts: str) -> bytes:
    return hashlib.sha256("\n".join(parts).encode()).digest()
