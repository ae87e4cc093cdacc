"""Finding out which account calls, and keeping browsers from being used against their owners."""

from __future__ import annotations

import hmac
import re

from fastapi import Request

from gateway.access.audit import AuditLog
from gateway.access.session import Sessions, csrf_token
from gateway.rest.caller import Caller, Principal
from gateway.rest.problem import ProblemError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def cookie_name(origin: str) -> str:
    """The session cookie's name: over HTTPS, one that no other host or path can set (RFC 6265bis, 4.1.3)."""
    return "__Host-condocharge" if origin.startswith("https:") else "condocharge"


def address_of(request: Request) -> str:
    """The caller's address, as the server knows it (behind a trusted proxy, as that says)."""
    return request.client.host if request.client is not None else "local"


class AccountAuthenticator:
    """Knows accounts by their session's token: a cookie in browsers, a bearer token in scripts."""

    proved_by_body: frozenset[Caller] = frozenset()

    def __init__(self, sessions: Sessions, audit: AuditLog, origin: str) -> None:
        self._sessions = sessions
        self._audit = audit
        self._origin = origin
        self._cookie = cookie_name(origin)

    async def authenticate(self, request: Request) -> Principal | None:
        """The account whose session the request carries.

        Raises `ProblemError`: 401 where the session is not open, 403 where a browser sends a cookie that
        its page should not have used."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await self._open(credentials.strip())
        token = request.cookies.get(self._cookie)
        if token is None or scheme:
            return None
        if request.method not in SAFE_METHODS:
            self._check_page(request, token)
        return await self._open(token)

    async def admitted(self, request: Request, principal: Principal) -> None:
        """Write on the audit log that an operation begins, if it changes something. Raises `StoreError`."""
        if request.method in SAFE_METHODS:
            return
        operation = request.scope["route"].name
        request.state.audit = await self._audit.begin(
            principal, operation, request.url.path, address_of(request)
        )
        request.state.note = {}

    async def _open(self, token: str) -> Principal:
        found = await self._sessions.find(token) if _TOKEN.fullmatch(token) else None
        if found is None:
            raise ProblemError(
                401,
                "not-authenticated",
                "session",
                "is open; log in again",
                {"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        session, account = found
        return Principal(Caller(account.role), account.username, account=account.id, session=session.id)

    def _check_page(self, request: Request, token: str) -> None:
        """A browser sends cookies whoever asks it to: let only this origin's own pages change anything.

        SameSite=Strict says so to browsers; this is for those, and those sites, that it does not reach."""
        origin = request.headers.get("origin")
        if origin is not None and origin != self._origin:
            raise ProblemError(403, "cross-site", "origin", f"is {self._origin}")
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise ProblemError(403, "cross-site", "sec-fetch-site", "is same-origin")
        sent = request.headers.get("x-csrf-token", "")
        if not hmac.compare_digest(sent.encode(), csrf_token(token).encode()):
            raise ProblemError(403, "cross-site", "x-csrf-token", "is the one that GET /v1/account tells")


def note(request: Request, **members: object) -> None:
    """Add to what the audit log will say of the operation under way; never a secret."""
    if hasattr(request.state, "note"):
        request.state.note.update(members)
