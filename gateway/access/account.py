"""Accounts: who somebody is, what role they have, and whether they may come in now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from chaincode.errors import NotAuthorised, NotFound, StateConflict
from gateway.access.records import ACCOUNT


class Role(StrEnum):
    """What an account may do; the routes say it one by one."""

    ADMIN = "ADMIN"
    """Everything, other accounts included."""
    OPERATOR = "OPERATOR"
    """The daily work: residents' accounts, token sales, units' settings, groups."""
    USER = "USER"
    """A resident: their own account."""
    AUDITOR = "AUDITOR"
    """Reads what there is to check, and changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person's account."""

    id: int
    username: str
    name: str
    flat: str | None
    role: Role
    expires: int | None
    """Milliseconds since 1970 from which the account is expired; None for never."""
    locked: bool
    """Shut out by an operator, for a reason of theirs."""
    enabled: bool
    """False for an account that is kept but not used."""
    created: int
    password: str | None
    """The argon2id hash; None until the invitation has been accepted."""

    def expired(self, now: int) -> bool:
        """Whether the account's time is over at `now` (milliseconds since 1970)."""
        return self.expires is not None and now >= self.expires

    def usable(self, now: int) -> bool:
        """Whether its owner may come in, and stay, at `now`."""
        return self.enabled and not self.locked and not self.expired(now)


_MANAGES: dict[Role, frozenset[Role]] = {
    Role.ADMIN: frozenset(Role),
    Role.OPERATOR: frozenset({Role.USER}),
    Role.USER: frozenset(),
    Role.AUDITOR: frozenset(),
}


def require_management(actor: Role, actor_id: int, target: Account) -> None:
    """Let only somebody who manages accounts of the target's role go on, and nobody manage themselves.

    Raises NotAuthorised."""
    if target.id == actor_id:
        raise NotAuthorised("account", "is another's: nobody changes their own role, flags or expiry")
    require_role(actor, target.role)


def require_role(actor: Role, role: Role) -> None:
    """Let only somebody who may give `role` to an account go on. Raises NotAuthorised."""
    if role not in _MANAGES[actor]:
        raise NotAuthorised("role", f"{role} is managed by {Role.ADMIN} alone")


def by_id(connection: Connection, number: int) -> Account:
    """The account with this number. Raises NotFound."""
    row = connection.execute(select(ACCOUNT).where(ACCOUNT.c.id == number)).one_or_none()
    if row is None:
        raise NotFound("account", f"{number} exists")
    return of_row(row)


def by_username(connection: Connection, username: str) -> Account | None:
    """The account with this user name."""
    row = connection.execute(select(ACCOUNT).where(ACCOUNT.c.username == username)).one_or_none()
    return None if row is None else of_row(row)


def add(connection: Connection, now: int, values: dict[str, Any]) -> Account:
    """A new account without password. Raises StateConflict where the user name is taken."""
    if by_username(connection, values["username"]) is not None:
        raise StateConflict("username", "is not taken yet")
    row = connection.execute(
        insert(ACCOUNT).values(**values, locked=False, enabled=True, created=now).returning(ACCOUNT)
    ).one()
    return of_row(row)


def change(connection: Connection, account: Account, now: int, values: dict[str, Any]) -> Account:
    """`account` with `values` in place of its own.

    Raises StateConflict where no usable ADMIN with a password would be left: nobody could undo it."""
    row = connection.execute(
        update(ACCOUNT).where(ACCOUNT.c.id == account.id).values(**values).returning(ACCOUNT)
    ).one()
    changed = of_row(row)
    if account.role is Role.ADMIN and not has_admin(connection, now) and account.password is not None:
        raise StateConflict("account", "is not the last ADMIN who can log in")
    return changed


def has_admin(connection: Connection, now: int) -> bool:
    """Whether some ADMIN can log in at `now`, and goes on being able to."""
    found = connection.scalar(
        select(func.count())
        .select_from(ACCOUNT)
        .where(
            ACCOUNT.c.role == Role.ADMIN,
            ACCOUNT.c.password.is_not(None),
            ACCOUNT.c.enabled,
            ~ACCOUNT.c.locked,
            ACCOUNT.c.expires.is_(None) | (ACCOUNT.c.expires > now),
        )
    )
    return bool(found)


def of_row(row: Row[Any]) -> Account:
    """The account in a row of the table."""
    return Account(**(row._asdict() | {"role": Role(row.role)}))
