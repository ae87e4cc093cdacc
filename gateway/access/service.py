"""What can be done with accounts: come in, invite, change, shut out."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from chaincode.errors import NotAuthorised, NotFound, StateConflict
from gateway.access import account as accounts
from gateway.access import audit, backoff
from gateway.access.account import Account, Role
from gateway.access.audit import Outcome
from gateway.access.password import Passwords
from gateway.access.records import ACCOUNT, INVITATION
from gateway.access.session import Opened, Sessions, end_all, token_hash
from gateway.clock import Clock
from gateway.rest.problem import ProblemError
from gateway.settings import AccessSettings
from gateway.store.database import Database

FIRST_ADMIN = "admin"
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes an account."""

    id: int
    role: Role


@dataclass(frozen=True, slots=True)
class Invited:
    """An account with the one-time token by which its owner sets a password."""

    account: Account
    token: str
    expires: int
    """Milliseconds since 1970."""


class Access:
    """Accounts, logins and invitations."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sessions: Sessions,
        passwords: Passwords,
        settings: AccessSettings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sessions = sessions
        self._passwords = passwords
        self._invitation_ms = settings.invitation_hours * 3_600_000
        self._listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change of an account: sessions may have ended with it."""
        self._listeners.append(listener)

    async def log_in(self, username: str, password: str, address: str, agent: str) -> Opened:
        """A session for whoever knows the password.

        Raises `ProblemError`: 401 where user name or password is wrong or the account may not come in,
        without saying which; 429 with Retry-After where too many attempts failed (see `backoff`)."""
        where = backoff.place(address)

        def weigh(connection: Connection) -> tuple[Account | None, list[backoff.Bucket], int]:
            now = self._clock.now()
            account = accounts.by_username(connection, username)
            number = account.id if account is not None else None
            weighed = backoff.buckets(connection, username, number, where, now)
            pause = backoff.wait(connection, weighed, now)
            if not pause:
                backoff.fail(connection, weighed, now)
            return account, weighed, pause

        account, weighed, pause = await self._database.write(weigh)
        _refuse_for(pause)
        right = await self._passwords.matches(account.password if account else None, password)

        def decide(connection: Connection) -> Opened | None:
            now = self._clock.now()
            # The account may have been locked, or its password changed, while this one was checked.
            current = accounts.by_username(connection, username)
            if not right or account is None or current is None or current.password != account.password:
                audit.append(
                    connection, now, _by_owner("log_in", username, current, address, Outcome.REFUSED)
                )
                return None
            if not current.usable(now):
                audit.append(
                    connection, now, _by_owner("log_in", username, current, address, Outcome.REFUSED)
                )
                return None
            backoff.forgive(connection, weighed)
            backoff.remember(connection, current.id, where, now)
            audit.append(connection, now, _by_owner("log_in", username, current, address, Outcome.DONE))
            return self._sessions.open(connection, current.id, address, agent)

        opened = await self._database.write(decide)
        if opened is None:
            raise ProblemError(
                401, "not-authenticated", "login", "has the right user name and password of a usable account"
            )
        return opened

    async def create(self, actor: Actor, values: dict[str, Any]) -> Invited:
        """A new account with an invitation; `values` are username, name, flat, role and expires.

        Raises NotAuthorised, StateConflict."""
        accounts.require_role(actor.role, values["role"])

        def work(connection: Connection) -> Invited:
            account = accounts.add(connection, self._clock.now(), values)
            return self._invite(connection, account)

        return await self._database.write(work)

    async def change(self, actor: Actor, number: int, values: dict[str, Any]) -> Account:
        """An account with some of name, flat, role, expires, locked and enabled changed. One that may no
        longer come in, or has another role, loses its sessions.

        Raises NotFound, NotAuthorised, StateConflict."""

        def work(connection: Connection) -> Account:
            now = self._clock.now()
            before = accounts.by_id(connection, number)
            accounts.require_management(actor.role, actor.id, before)
            if "role" in values:
                accounts.require_role(actor.role, values["role"])
            after = accounts.change(connection, before, now, values) if values else before
            if not after.usable(now) or after.role is not before.role:
                end_all(connection, number)
            if not after.usable(now):
                connection.execute(delete(INVITATION).where(INVITATION.c.account == number))
            return after

        changed = await self._database.write(work)
        for listener in self._listeners:
            listener()
        return changed

    async def invite(self, actor: Actor, number: int) -> Invited:
        """A new invitation for an account; earlier ones end. Its password stays until it is accepted.

        Raises NotFound, NotAuthorised."""

        def work(connection: Connection) -> Invited:
            account = accounts.by_id(connection, number)
            accounts.require_management(actor.role, actor.id, account)
            return self._invite(connection, account)

        return await self._database.write(work)

    async def invite_first_admin(self) -> Invited | None:
        """An invitation for the first ADMIN, None where one can log in already."""

        def work(connection: Connection) -> Invited | None:
            now = self._clock.now()
            if accounts.has_admin(connection, now):
                return None
            account = accounts.by_username(connection, FIRST_ADMIN)
            if account is None:
                values = {"username": FIRST_ADMIN, "name": "Administrator", "role": Role.ADMIN}
                account = accounts.add(connection, now, values)
            elif account.role is not Role.ADMIN or not account.usable(now):
                return None
            return self._invite(connection, account)

        return await self._database.write(work)

    async def invite_from_console(self, username: str) -> Invited:
        """An invitation for whoever has the gateway's own machine in hand: the way back in for an ADMIN who
        lost their password. It is on the audit log.

        Raises NotFound, StateConflict where the account may not come in anyway."""

        def work(connection: Connection) -> Invited:
            now = self._clock.now()
            account = accounts.by_username(connection, username)
            if account is None:
                raise NotFound("username", f"{username} is an account's")
            if not account.usable(now):
                raise StateConflict(
                    "account", "is enabled, neither locked nor expired; an ADMIN changes that"
                )
            audit.append(
                connection, now, _by_owner("invite_from_console", username, account, "console", Outcome.DONE)
            )
            return self._invite(connection, account)

        return await self._database.write(work)

    async def accept(self, token: str, password: str, address: str) -> Account:
        """Set the password of the account that `token` invites. The token works once; all of the account's
        sessions end. Raises NotAuthorised where the token is wrong, used or too old, InvalidArgument."""
        hashed = token_hash(token)

        def find(connection: Connection) -> Account:
            row = connection.execute(
                select(ACCOUNT, INVITATION.c.expires.label("until"))
                .join(INVITATION, INVITATION.c.account == ACCOUNT.c.id)
                .where(INVITATION.c.token_hash == hashed)
            ).one_or_none()
            if row is None or self._clock.now() >= row.until:
                raise NotAuthorised("token", "is an invitation that has not been used and is not too old")
            return accounts.by_id(connection, row.id)

        account = await self._database.read(find)
        stored = await self._passwords.hash(password, account.username)

        def work(connection: Connection) -> Account:
            now = self._clock.now()
            current = find(connection)
            connection.execute(delete(INVITATION).where(INVITATION.c.account == current.id))
            end_all(connection, current.id)
            audit.append(
                connection,
                now,
                _by_owner("accept_invitation", current.username, current, address, Outcome.DONE),
            )
            return accounts.change(connection, current, now, {"password": stored})

        return await self._database.write(work)

    async def change_password(self, number: int, session: str, current: str, password: str) -> None:
        """Change one's own password; other sessions end.

        Raises NotAuthorised, InvalidArgument, and `ProblemError` (429) after too many wrong ones."""
        weighed = [backoff.change_bucket(number)]

        def weigh(connection: Connection) -> tuple[Account, int]:
            now = self._clock.now()
            pause = backoff.wait(connection, weighed, now)
            if not pause:
                backoff.fail(connection, weighed, now)
            return accounts.by_id(connection, number), pause

        account, pause = await self._database.write(weigh)
        _refuse_for(pause)
        if not await self._passwords.matches(account.password, current):
            raise NotAuthorised("current", "is the account's present password")
        stored = await self._passwords.hash(password, account.username)

        def work(connection: Connection) -> None:
            before = accounts.by_id(connection, number)
            if before.password != account.password:
                raise NotAuthorised("current", "is the account's present password")
            accounts.change(connection, before, self._clock.now(), {"password": stored})
            backoff.forgive(connection, weighed)
            connection.execute(delete(INVITATION).where(INVITATION.c.account == number))
            end_all(connection, number, but=session)

        await self._database.write(work)

    async def get(self, number: int) -> Account:
        """One account. Raises NotFound."""
        return await self._database.read(lambda c: accounts.by_id(c, number))

    async def page(self, roles: frozenset[Role], after: int, limit: int) -> list[Account]:
        """Accounts with one of `roles` and a number above `after`, in the order of their numbers."""
        query = (
            select(ACCOUNT)
            .where(ACCOUNT.c.role.in_(sorted(roles)), ACCOUNT.c.id > after)
            .order_by(ACCOUNT.c.id)
            .limit(limit)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return [accounts.of_row(row) for row in rows]

    def _invite(self, connection: Connection, account: Account) -> Invited:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        expires = self._clock.now() + self._invitation_ms
        connection.execute(delete(INVITATION).where(INVITATION.c.account == account.id))
        connection.execute(
            insert(INVITATION).values(token_hash=token_hash(token), account=account.id, expires=expires)
        )
        return Invited(account, token, expires)


def _refuse_for(pause: int) -> None:
    if pause:
        seconds = str(-(-pause // 1000))
        rule = f"failed too often; try again in {seconds} seconds"
        raise ProblemError(429, "too-many-requests", "login", rule, {"Retry-After": seconds})


def _by_owner(
    operation: str, username: str, account: Account | None, address: str, outcome: Outcome
) -> dict[str, Any]:
    """The audit entry's members for what somebody does who has no session yet."""
    return {
        "completes": None,
        "account": account.id if account is not None else None,
        "name": username[:64],
        "role": str(account.role) if account is not None else "",
        "operation": operation,
        "target": "",
        "detail": {},
        "outcome": outcome,
        "status": None,
        "address": address[:64],
    }
