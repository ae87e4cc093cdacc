"""What follows an account's request to its end: the audit log's second entry, and streams that must stop."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.access.audit import AuditLog
from gateway.access.authentication import AccountAuthenticator
from gateway.rest.caller import Principal
from gateway.rest.problem import ProblemError

_STREAM = b"text/event-stream"


class Trail:
    """ASGI middleware. Completes the audit entry of an operation with its status before the answer goes out,
    and ends a stream of events before the first event after its account's session ended."""

    def __init__(self, app: ASGIApp, audit: AuditLog, authenticator: AccountAuthenticator) -> None:
        self._app = app
        self._audit = audit
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and watch its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        streaming = False

        async def watch(message: Message) -> None:
            nonlocal streaming
            if message["type"] == "http.response.start":
                await self._finish(state, message["status"])
                streaming = _is_stream(message) and _account(state)
            elif streaming and not await self._still(scope):
                streaming = False
                state["over"] = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            if not state.get("over"):
                await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            await self._finish(state, 500)
            raise

    async def _finish(self, state: dict[str, object], status: int) -> None:
        number = state.pop("audit", None)
        if isinstance(number, int):
            detail = state.get("note")
            await self._audit.finish(number, status, detail if isinstance(detail, dict) else {})

    async def _still(self, scope: Scope) -> bool:
        try:
            return await self._authenticator.authenticate(Request(scope)) is not None
        except ProblemError:
            return False


def _is_stream(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(_STREAM) for name, value in message["headers"]
    )


def _account(state: dict[str, object]) -> bool:
    principal = state.get("principal")
    return isinstance(principal, Principal) and principal.account is not None
