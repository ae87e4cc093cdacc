"""Errors as gRPC statuses.

The details are `ContractError.encode`'s JSON (code, field, rule), which `chaincode.errors.decode_error`
reads, where the rules or a message's form are to blame, and a sentence otherwise.
"""

from __future__ import annotations

import json
import logging
from typing import Any, NoReturn
from urllib.parse import unquote

import grpc

from chaincode.errors import ContractError, InvalidArgument, NotAuthorised, NotFound, StateConflict
from gateway.metering.refusal import Refused
from gateway.rest.problem import ProblemError
from gateway.store.errors import StoreError
from network.ledger import CommitStatusError, LedgerError

_LOG = logging.getLogger(__name__)
_CONTRACT: dict[type[ContractError], grpc.StatusCode] = {
    InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    NotAuthorised: grpc.StatusCode.PERMISSION_DENIED,
    NotFound: grpc.StatusCode.NOT_FOUND,
    StateConflict: grpc.StatusCode.FAILED_PRECONDITION,
}
_PROBLEM: dict[int, grpc.StatusCode] = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


def address_of(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    """The address of whoever calls, without its port (gRPC name syntax: `ipv4:ADDRESS:PORT`)."""
    return unquote(context.peer()).partition(":")[2].rpartition(":")[0].strip("[]")


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: Exception) -> NoReturn:
    """End the call with the status that `error` stands for."""
    if isinstance(error, Refused):
        error = error.error
    if isinstance(error, ContractError):
        code = _CONTRACT.get(type(error), grpc.StatusCode.INVALID_ARGUMENT)
        await context.abort(code, error.encode())
    if isinstance(error, ProblemError):
        body = {"code": error.code, "field": error.field, "rule": error.rule}
        await context.abort(_PROBLEM.get(error.status, grpc.StatusCode.FAILED_PRECONDITION), json.dumps(body))
    if isinstance(error, StoreError):
        # The sentence names files and servers: it is for the log and not for whoever calls.
        _LOG.error("%s", error)
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the database cannot be used now; try again")
    if isinstance(error, CommitStatusError):
        await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "handed over; the outcome is not yet known")
    if isinstance(error, LedgerError):
        _LOG.warning("ledger: %s: %s", type(error).__name__, error)
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the ledger does not answer; try again")
    _LOG.error("a call failed", exc_info=error)
    await context.abort(grpc.StatusCode.INTERNAL, "the gateway failed unexpectedly; its log says how")
    raise AssertionError("abort raises")
