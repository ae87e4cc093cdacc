"""Sessions: what a login gives, and what every later request is known by.

A session's token is 256 random bits, told once and stored as its SHA-256, so whoever reads the database
cannot come in with it. Each request looks the token's hash up together with the account, so a session ends
in the moment in which its account is locked, disabled or expired.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from gateway.access import account as accounts
from gateway.access.account import Account
from gateway.access.records import ACCOUNT, SESSION
from gateway.clock import Clock
from gateway.settings import AccessSettings
from gateway.store.database import Database

TOKEN_BYTES = 32
_TOUCH = 60_000
"""Milliseconds after which a session's last use is written anew: not for each request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open login."""

    id: str
    account: int
    created: int
    seen: int
    expires: int
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was just opened, with what its owner needs and nobody else gets."""

    session: Session
    token: str
    csrf: str


def token_hash(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def csrf_token(token: str) -> str:
    """What a browser sends back in X-CSRF-Token: made from the session's token, which its scripts cannot
    read, and told only to pages of this origin."""
    return hmac.new(token.encode(), b"condocharge/csrf/1", hashlib.sha256).hexdigest()


class Sessions:
    """The open sessions."""

    def __init__(self, database: Database, clock: Clock, settings: AccessSettings) -> None:
        self._database = database
        self._clock = clock
        self._lifetime = settings.session_hours * 3_600_000
        self._idle = settings.idle_minutes * 60_000

    def open(self, connection: Connection, account: int, address: str, agent: str) -> Opened:
        """A new session, within the caller's transaction."""
        now = self._clock.now()
        token = secrets.token_urlsafe(TOKEN_BYTES)
        session = Session(
            id=secrets.token_hex(16),
            account=account,
            created=now,
            seen=now,
            expires=now + self._lifetime,
            address=address[:64],
            agent=agent[:200],
        )
        connection.execute(delete(SESSION).where(SESSION.c.expires <= now))
        connection.execute(
            insert(SESSION).values(
                id=session.id,
                account=account,
                token_hash=token_hash(token),
                created=now,
                seen=now,
                expires=session.expires,
                address=session.address,
                agent=session.agent,
            )
        )
        return Opened(session, token, csrf_token(token))

    async def find(self, token: str) -> tuple[Session, Account] | None:
        """The session that `token` opens and its account, None where it has ended, for whatever reason."""
        now = self._clock.now()
        hashed = token_hash(token)

        def look_up(connection: Connection) -> tuple[Session, Account] | None:
            row = connection.execute(select(SESSION).where(SESSION.c.token_hash == hashed)).one_or_none()
            if row is None:
                return None
            account = connection.execute(select(ACCOUNT).where(ACCOUNT.c.id == row.account)).one()
            members = row._asdict()
            del members["token_hash"]
            return Session(**members), accounts.of_row(account)

        found = await self._database.read(look_up)
        if found is None:
            return None
        session, account = found
        if now >= session.expires or now - session.seen >= self._idle or not account.usable(now):
            return None
        if now - session.seen >= _TOUCH:
            await self._database.write(
                lambda c: c.execute(update(SESSION).where(SESSION.c.id == session.id).values(seen=now))
            )
        return session, account

    async def of(self, account: int) -> list[Session]:
        """An account's open sessions, newest first."""
        now = self._clock.now()
        query = (
            select(SESSION)
            .where(SESSION.c.account == account, SESSION.c.expires > now, SESSION.c.seen > now - self._idle)
            .order_by(SESSION.c.created.desc(), SESSION.c.id)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return [
            Session(**{name: value for name, value in row._asdict().items() if name != "token_hash"})
            for row in rows
        ]

    async def end(self, account: int, session: str) -> bool:
        """End one of an account's sessions; whether there was one."""
        chosen = delete(SESSION).where(SESSION.c.account == account, SESSION.c.id == session)
        return bool(await self._database.write(lambda c: c.execute(chosen).rowcount))


def end_all(connection: Connection, account: int, but: str | None = None) -> None:
    """End all of an account's sessions, `but` the one with this id, within the caller's transaction."""
    chosen = delete(SESSION).where(SESSION.c.account == account)
    connection.execute(chosen if but is None else chosen.where(SESSION.c.id != but))
