"""REST for accounts: logging in, one's own account, and other people's."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field, SecretStr, StringConstraints

from gateway.access.account import Account, Role
from gateway.access.authentication import address_of, cookie_name, note
from gateway.access.service import Access, Actor, Invited
from gateway.access.session import Session, Sessions, csrf_token
from gateway.clock import Clock
from gateway.rest import body
from gateway.rest.caller import ROLES, Caller, CurrentPrincipal, Principal, allow
from gateway.rest.problem import ProblemError

Username = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9._@+-]{0,63}$"),
    Field(description="Lower-case letters, digits and . _ @ + - ; at most 64."),
]
Number = Annotated[int, Path(ge=1, le=2**53 - 1)]
Secret = Annotated[SecretStr, Field(max_length=256)]
"""A password; not shown in messages or logs."""


class Login(body.Request):
    """Proof of who somebody is."""

    username: Username
    password: Secret
    cookie: bool = Field(False, description="For browsers: set the token as a cookie instead of telling it.")


class LoggedIn(body.Answer):
    """An open session."""

    account: AccountBody
    token: str | None = Field(description="For `Authorization: Bearer`; none where a cookie was set.")
    csrf: str = Field(description="What a browser sends as X-CSRF-Token with whatever changes something.")
    expires: body.Instant


class AccountBody(body.Answer):
    """An account (paper figure 14)."""

    id: int
    username: str
    name: str
    flat: str | None
    role: Role
    expires: int | None = Field(description="Milliseconds since 1970 from which it is expired.")
    expired: bool
    locked: bool
    enabled: bool
    invited: bool = Field(description="Whether no password has been set yet.")
    created: body.Instant


class OwnAccount(body.Answer):
    """The caller's own account."""

    account: AccountBody
    csrf: str | None = Field(description="For browsers; none for bearer tokens.")


class NewAccount(body.Request):
    """An account to be made."""

    username: Username
    name: body.Line
    flat: body.Line | None = None
    role: Annotated[Role, Field(strict=False)]
    expires: body.Instant | None = None


class AccountChange(body.Request):
    """Members to change; those that are absent stay."""

    name: body.Line | None = None
    flat: body.Line | None = None
    role: Annotated[Role | None, Field(strict=False)] = None
    expires: body.Instant | None = None
    locked: bool | None = None
    enabled: bool | None = None


class InvitationBody(body.Answer):
    """An invitation; the link is shown once and works once."""

    account: AccountBody
    link: str
    token: str
    expires: body.Instant


class Acceptance(body.Request):
    """A password for an invited account."""

    token: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
    password: Secret


class PasswordChange(body.Request):
    """A new password for one's own account."""

    current: Secret
    password: Secret


class SessionBody(body.Answer):
    """Where an account is logged in."""

    id: str
    created: body.Instant
    seen: body.Instant
    expires: body.Instant
    address: str
    agent: str


class AccountPage(body.Answer):
    """Some accounts, in the order of their numbers."""

    accounts: list[AccountBody]
    next: int | None = Field(description="`after` for the next page; none on the last one.")


class SessionList(body.Answer):
    """Open sessions, newest first."""

    sessions: list[SessionBody]


LoggedIn.model_rebuild()


def router(access: Access, sessions: Sessions, clock: Clock, origin: str) -> APIRouter:
    """The routes of accounts; `origin` is the address that browsers see."""
    routes = APIRouter(tags=["accounts"])
    _logging_in(routes, access, sessions, clock, origin)
    _own(routes, access, sessions, clock, origin)
    _others(routes, access, sessions, clock, origin)
    return routes


def _logging_in(routes: APIRouter, access: Access, sessions: Sessions, clock: Clock, origin: str) -> None:
    secure = origin.startswith("https:")

    @routes.post("/v1/login", dependencies=[allow(Caller.ANYBODY)], summary="Open a session")
    async def log_in(login: Login, request: Request, response: Response) -> LoggedIn:
        """The token is told once: for scripts in the answer, for browsers as a cookie that their scripts
        cannot read."""
        if request.headers.get("origin", origin) != origin:
            raise ProblemError(403, "cross-site", "origin", f"is {origin}")
        agent = request.headers.get("user-agent", "").encode("ascii", "replace").decode()
        opened = await access.log_in(
            login.username, login.password.get_secret_value(), address_of(request), agent
        )
        if login.cookie:
            response.set_cookie(
                cookie_name(origin), opened.token, path="/", httponly=True, secure=secure, samesite="strict"
            )
        account = await access.get(opened.session.account)
        return LoggedIn(
            account=_account(account, clock.now()),
            token=None if login.cookie else opened.token,
            csrf=opened.csrf,
            expires=opened.session.expires,
        )

    @routes.post("/v1/logout", status_code=204, dependencies=[allow(*ROLES)], summary="Close this session")
    async def log_out(principal: CurrentPrincipal, response: Response) -> None:
        account, session = _who(principal)
        await sessions.end(account.id, session)
        response.delete_cookie(cookie_name(origin), path="/", httponly=True, secure=secure, samesite="strict")

    @routes.post(
        "/v1/invitations/accept",
        dependencies=[allow(Caller.ANYBODY)],
        summary="Set the password of an invited account",
    )
    async def accept_invitation(acceptance: Acceptance, request: Request) -> AccountBody:
        account = await access.accept(
            acceptance.token, acceptance.password.get_secret_value(), address_of(request)
        )
        return _account(account, clock.now())


def _own(routes: APIRouter, access: Access, sessions: Sessions, clock: Clock, origin: str) -> None:
    @routes.get("/v1/account", dependencies=[allow(*ROLES)], summary="One's own account")
    async def read_own_account(principal: CurrentPrincipal, request: Request) -> OwnAccount:
        actor, _ = _who(principal)
        token = request.cookies.get(cookie_name(origin))
        by_cookie = token is not None and "authorization" not in request.headers
        return OwnAccount(
            account=_account(await access.get(actor.id), clock.now()),
            csrf=csrf_token(token) if token is not None and by_cookie else None,
        )

    @routes.put(
        "/v1/account/password", status_code=204, dependencies=[allow(*ROLES)], summary="Change one's password"
    )
    async def change_password(change: PasswordChange, principal: CurrentPrincipal) -> None:
        """All other sessions of the account end."""
        actor, session = _who(principal)
        await access.change_password(
            actor.id, session, change.current.get_secret_value(), change.password.get_secret_value()
        )

    @routes.get("/v1/account/sessions", dependencies=[allow(*ROLES)], summary="Where one is logged in")
    async def list_own_sessions(principal: CurrentPrincipal) -> SessionList:
        actor, _ = _who(principal)
        return _sessions(await sessions.of(actor.id))

    @routes.delete(
        "/v1/account/sessions/{session}",
        status_code=204,
        dependencies=[allow(*ROLES)],
        summary="Log out elsewhere",
    )
    async def end_own_session(
        session: Annotated[str, Path(pattern="^[0-9a-f]{32}$")], principal: CurrentPrincipal
    ) -> None:
        actor, _ = _who(principal)
        if not await sessions.end(actor.id, session):
            raise ProblemError(404, "not-found", "session", "is an open one of this account")


def _others(routes: APIRouter, access: Access, sessions: Sessions, clock: Clock, origin: str) -> None:
    managers = [allow(Caller.ADMIN, Caller.OPERATOR)]

    @routes.get("/v1/accounts", dependencies=managers, summary="Accounts, as far as one manages them")
    async def list_accounts(
        principal: CurrentPrincipal,
        after: Annotated[int, Query(ge=0, le=2**53 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> AccountPage:
        """An ADMIN sees all, an OPERATOR residents (role USER)."""
        seen = frozenset(Role) if principal.caller is Caller.ADMIN else frozenset({Role.USER})
        found = await access.page(seen, after, limit + 1)
        page = found[:limit]
        return AccountPage(
            accounts=[_account(account, clock.now()) for account in page],
            next=page[-1].id if len(found) > limit else None,
        )

    @routes.post("/v1/accounts", status_code=201, dependencies=managers, summary="Make an account")
    async def create_account(
        new: NewAccount, principal: CurrentPrincipal, request: Request
    ) -> InvitationBody:
        """The account has no password: its owner sets one through the invitation's link."""
        note(request, username=new.username, role=new.role)
        actor, _ = _who(principal)
        return _invitation(await access.create(actor, new.model_dump()), clock.now(), origin)

    @routes.get("/v1/accounts/{number}", dependencies=managers, summary="One account")
    async def read_account(number: Number, principal: CurrentPrincipal) -> AccountBody:
        account = await access.get(number)
        if principal.caller is not Caller.ADMIN and account.role is not Role.USER:
            raise ProblemError(403, "not-authorised", "account", "is a resident's")
        return _account(account, clock.now())

    @routes.patch("/v1/accounts/{number}", dependencies=managers, summary="Change or shut out an account")
    async def change_account(
        number: Number, change: AccountChange, principal: CurrentPrincipal, request: Request
    ) -> AccountBody:
        """One that is locked, disabled, expired or given another role loses all its sessions at once."""
        values = change.model_dump(exclude_unset=True)
        for name in ("name", "role", "locked", "enabled"):
            if name in values and values[name] is None:
                raise ProblemError(422, "invalid-argument", name, "is not null")
        note(request, **values)
        actor, _ = _who(principal)
        return _account(await access.change(actor, number, values), clock.now())

    @routes.post(
        "/v1/accounts/{number}/invitation", status_code=201, dependencies=managers, summary="Invite again"
    )
    async def invite_account(number: Number, principal: CurrentPrincipal) -> InvitationBody:
        """For a lost password or link. Earlier invitations no longer work; the password stays until then."""
        actor, _ = _who(principal)
        return _invitation(await access.invite(actor, number), clock.now(), origin)


def invitation_link(origin: str, invited: Invited) -> str:
    """Where an invitation is accepted. The token stands after the #, so it reaches no server's log."""
    return f"{origin}/#/invitation/{invited.token}"


def _who(principal: Principal) -> tuple[Actor, str]:
    assert principal.account is not None and principal.session is not None
    return Actor(principal.account, Role(principal.caller)), principal.session


def _account(account: Account, now: int) -> AccountBody:
    return AccountBody(
        id=account.id,
        username=account.username,
        name=account.name,
        flat=account.flat,
        role=account.role,
        expires=account.expires,
        expired=account.expired(now),
        locked=account.locked,
        enabled=account.enabled,
        invited=account.password is None,
        created=account.created,
    )


def _invitation(invited: Invited, now: int, origin: str) -> InvitationBody:
    return InvitationBody(
        account=_account(invited.account, now),
        link=invitation_link(origin, invited),
        token=invited.token,
        expires=invited.expires,
    )


def _sessions(found: list[Session]) -> SessionList:
    return SessionList(
        sessions=[
            SessionBody(
                id=session.id,
                created=session.created,
                seen=session.seen,
                expires=session.expires,
                address=session.address,
                agent=session.agent,
            )
            for session in found
        ]
    )
