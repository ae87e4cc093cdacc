"""Who may call a route, stated by the route itself.

::

    @router.post("/v1/groups", dependencies=[allow(Caller.ADMIN, Caller.OPERATOR)])
    async def create(principal: CurrentPrincipal, ...) -> ...

`allow` finds out who is calling through the application's authenticators (accounts' sessions, wallets'
signatures), refuses everybody who is not named, and puts the callers into the OpenAPI document as
`x-callers`. Units are known by what their messages carry, which the route's service checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request, params
from fastapi.routing import APIRoute

from gateway.rest.problem import ProblemError


class Caller(StrEnum):
    """The kinds of caller. ADMIN to AUDITOR are accounts' roles (paper figure 14)."""

    ANYBODY = "anybody"
    UNIT = "unit"
    """An IoT unit; its messages are authenticated one by one."""
    WALLET = "wallet"
    """A wallet, by a signed request."""
    ADMIN = "ADMIN"
    OPERATOR = "OPERATOR"
    USER = "USER"
    AUDITOR = "AUDITOR"


ROLES = (Caller.ADMIN, Caller.OPERATOR, Caller.USER, Caller.AUDITOR)
"""The callers that are accounts."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, as found out."""

    caller: Caller
    name: str
    """The account's user name, the wallet's id, or nothing."""
    account: int | None = None
    """The account's number."""
    session: str | None = None
    """What ends when the account logs out."""
    wallet: str | None = field(default=None)
    """The wallet's id, where a wallet calls."""


NOBODY = Principal(Caller.ANYBODY, "")


class Authenticator(Protocol):
    """One way in which callers prove who they are."""

    proved_by_body: frozenset[Caller]
    """The callers whose proof covers the body, which is read for it: routes that let none of them in do not
    ask. Empty where headers are enough."""

    async def authenticate(self, request: Request) -> Principal | None:
        """Who calls, None where the request carries no proof of this kind.

        Raises `ProblemError` (401 or 403) where it carries one that is wrong."""

    async def admitted(self, request: Request, principal: Principal) -> None:
        """Called once a route has let `principal`, whom this authenticator named, in: the place for
        checks and records that only matter then. Raises `ProblemError`."""


class Allow:
    """A route's statement of its callers; see `allow`."""

    def __init__(self, callers: Sequence[Caller]) -> None:
        if not callers:
            raise ValueError("a route names at least one caller; ANYBODY where it is open")
        self.callers = tuple(callers)

    async def __call__(self, request: Request) -> Principal:
        """Let the caller in, or raise `ProblemError` with 401 or 403."""
        principal, authenticator = await self._find(request)
        request.state.principal = principal
        if authenticator is not None:
            await authenticator.admitted(request, principal)
        return principal

    async def _find(self, request: Request) -> tuple[Principal, Authenticator | None]:
        open_to_all = Caller.ANYBODY in self.callers or Caller.UNIT in self.callers
        if open_to_all and len(self.callers) == 1:
            return NOBODY, None
        authenticators: Sequence[Authenticator] = request.app.state.authenticators
        for authenticator in authenticators:
            if authenticator.proved_by_body and authenticator.proved_by_body.isdisjoint(self.callers):
                # A stranger's body may be long and never end.
                continue
            principal = await authenticator.authenticate(request)
            if principal is None:
                continue
            if principal.caller in self.callers:
                return principal, authenticator
            if not open_to_all:
                raise ProblemError(
                    403, "not-authorised", "caller", f"is {_list(self.callers)}, not {principal.caller}"
                )
        if open_to_all:
            return NOBODY, None
        raise ProblemError(
            401,
            "not-authenticated",
            "authorization",
            f"proves that the caller is {_list(self.callers)}",
            headers={"WWW-Authenticate": "Condocharge" if Caller.WALLET in self.callers else "Bearer"},
        )


def allow(*callers: Caller) -> Any:
    """The dependency by which a route states who may call it, for `dependencies=[...]`."""
    return Depends(Allow(callers))


async def _current(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


CurrentPrincipal = Annotated[Principal, Depends(_current)]
"""The caller, for a route's function that needs to know; the route still states `allow`."""


def callers_of(route: APIRoute) -> tuple[Caller, ...]:
    """The callers that a route states; none where it states nothing."""
    found: list[Caller] = []
    for dependency in (*route.dependencies, *_defaults(route)):
        if isinstance(dependency.dependency, Allow):
            found.extend(dependency.dependency.callers)
    return tuple(dict.fromkeys(found))


def _defaults(route: APIRoute) -> list[params.Depends]:
    """Dependencies that are stated in the function's signature instead of the decorator."""
    return [
        params.Depends(each.call) for each in route.dependant.dependencies if isinstance(each.call, Allow)
    ]


def _list(callers: Sequence[Caller]) -> str:
    return " or ".join(callers)
