"""Errors as problem details (RFC 9457), each naming the field and the rule that it breaks.

==========================  ======  =======================================================
raised                      status  code
==========================  ======  =======================================================
InvalidArgument             422     invalid-argument; FastAPI's own validation likewise
NotAuthorised               403     not-authorised
NotFound                    404     not-found
StateConflict               409     state-conflict
CommitError                 409     commit-error, with the validation code as rule
EvaluateError, EndorseError 503     evaluate-error, endorse-error: nothing was written
SubmitError                 503     submit-error: may still commit
CommitStatusError           504     commit-status-error: outcome unknown
StoreError                  503     store-error
==========================  ======  =======================================================
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from chaincode.errors import ContractError, InvalidArgument, NotAuthorised, NotFound, StateConflict
from gateway.store.errors import StoreError
from network.ledger import (
    CommitError,
    CommitStatusError,
    EndorseError,
    EvaluateError,
    LedgerError,
    SubmitError,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5

_log = logging.getLogger(__name__)

_CONTRACT: dict[type[ContractError], int] = {
    InvalidArgument: 422,
    NotAuthorised: 403,
    NotFound: 404,
    StateConflict: 409,
}
_LEDGER: dict[type[LedgerError], tuple[int, str, str]] = {
    EvaluateError: (503, "evaluate-error", "was not answered; ask again"),
    EndorseError: (503, "endorse-error", "was not agreed on and nothing was written; try again"),
    SubmitError: (503, "submit-error", "could not be handed over and may still commit; ask for its outcome"),
    CommitStatusError: (504, "commit-status-error", "was handed over; its outcome is not yet known"),
}
_FRAMEWORK: dict[int, tuple[str, str, str]] = {
    400: ("invalid-argument", "body", "is well-formed"),
    404: ("not-found", "path", "names something that exists"),
    405: ("method-not-allowed", "method", "is one that this path offers"),
    406: ("not-acceptable", "accept", "names a type that is offered"),
    413: ("too-large", "body", "is within the size limit"),
    415: ("unsupported-media-type", "content-type", "is one that this route reads"),
}


class Problem(BaseModel):
    """A problem body (RFC 9457, section 3) with this interface's own members."""

    type: str = Field("about:blank", description="Always `about:blank`: `code` says what it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="The whole as a sentence: which field breaks which rule.")
    code: str = Field(description="A stable name of the kind of error.")
    field: str = Field(description="What breaks the rule.")
    rule: str = Field(description="The rule, in words to act on.")
    transaction: str | None = Field(None, description="The ledger's transaction id, where there is one.")


class ProblemError(Exception):
    """An error that a route or its surroundings answer with as it is."""

    def __init__(
        self, status: int, code: str, field: str, rule: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{field}: {rule}")
        self.status = status
        self.code = code
        self.field = field
        self.rule = rule
        self.headers = dict(headers or {})


def problem(
    status: int,
    code: str,
    field: str,
    rule: str,
    *,
    headers: Mapping[str, str] | None = None,
    transaction: str | None = None,
) -> JSONResponse:
    """The response with a problem body."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": f"{field} breaks the rule: {rule}",
        "code": code,
        "field": field,
        "rule": rule,
    }
    if transaction:
        body["transaction"] = transaction
    return JSONResponse(body, status, dict(headers or {}), MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error that leaves a route of `app` become a problem body."""
    app.add_exception_handler(ProblemError, _own)
    app.add_exception_handler(ContractError, _contract)
    app.add_exception_handler(LedgerError, _ledger)
    app.add_exception_handler(StoreError, _store)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _framework)


RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "model": Problem,
        "description": "The request breaks a rule; the body says which.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
    "5XX": {
        "model": Problem,
        "description": "The ledger or the database cannot answer now.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    },
}
"""What every route's OpenAPI says of its errors."""


async def _own(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return problem(error.status, error.code, error.field, error.rule, headers=error.headers)


async def _contract(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ContractError)
    return problem(_CONTRACT.get(type(error), 422), error.code, error.field, error.rule)


async def _ledger(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LedgerError)
    _log.warning("ledger: %s: %s", type(error).__name__, error)
    if isinstance(error, CommitError):
        rule = f"was found invalid ({error.validation}); look at the present state and try again"
        return problem(409, "commit-error", "transaction", rule, transaction=error.transaction_id)
    status, code, rule = _LEDGER.get(type(error), (503, "ledger-error", "failed; try again"))
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return problem(status, code, "transaction", rule, headers=headers, transaction=error.transaction_id)


async def _store(_: Request, error: Exception) -> JSONResponse:
    _log.error("%s", error)
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    # The sentence names files and servers: it is for the log and not for whoever calls.
    rule = "cannot be used now; the operator's log says why"
    return problem(503, "store-error", "database", rule, headers=headers)


async def _validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return problem(422, "invalid-argument", "body", "is one JSON document")
    # The first part says where it stands (body, path, query, header); the name alone is clearer.
    place = [str(part) for part in first["loc"]]
    name = ".".join(place[1:]) or place[0]
    return problem(422, "invalid-argument", name, _rule(first))


def _rule(error: Mapping[str, Any]) -> str:
    if error["type"] == "missing":
        return "is required"
    if error["type"] == "extra_forbidden":
        return "is not a member of this object"
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[0].lower() + message[1:]


async def _framework(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code, field, rule = _FRAMEWORK.get(error.status_code, ("http-error", "request", str(error.detail)))
    return problem(error.status_code, code, field, rule, headers=error.headers)
