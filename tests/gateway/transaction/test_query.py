"""Whom a signed query lets in, and when its body is read."""

from __future__ import annotations

import pytest
from fastapi import Request
from starlette.types import Message

from chaincode.signing.query import TOLERANCE, sign_query
from gateway.clock import SimulatedClock
from gateway.rest.problem import ProblemError
from gateway.store.database import Database
from gateway.transaction.query import WalletAuthenticator
from tests.chaincode.world import secret_of
from tests.gateway.garage import wallet

NOW = 1_767_225_600
"""1 January 2026, Unix seconds."""


def query(time: int) -> str:
    resident = wallet("resident")
    return sign_query(
        secret_of(resident.key), wallet=bytes.fromhex(resident.id), method="POST", target="/v1/intents",
        network="condocharge", body=b"", time=time, nonce=bytes(16),
    ).encode()  # fmt: skip


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Condocharge x", "authorization"),
        (query(NOW - TOLERANCE - 1), "authorization.time"),
        (query(NOW + TOLERANCE + 1), "authorization.time"),
    ],
    ids=["no query", "too old", "of the future"],
)
async def test_wrong_header_reads_no_body(database: Database, header: str, field: str) -> None:
    """A body that never ends costs nothing where the header alone is seen to be wrong."""

    async def receive() -> Message:
        raise AssertionError("the body was read")

    authenticator = WalletAuthenticator(None, database, SimulatedClock(NOW * 1_000))  # type: ignore[arg-type]
    scope = {
        "type": "http", "method": "POST", "path": "/v1/intents", "query_string": b"",
        "headers": [(b"authorization", header.encode())],
    }  # fmt: skip
    with pytest.raises(ProblemError) as caught:
        await authenticator.authenticate(Request(scope, receive))
    assert (caught.value.status, caught.value.field) == (401, field)
