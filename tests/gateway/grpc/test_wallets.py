"""Wallets over gRPC: the same services as over REST, the same refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaincode.signing.intent import StopIntent, intent_id, new_nonce
from gateway.proto.condocharge.v1.wallets_pb2 import (
    PageQuery,
    SessionRequest,
    SignedQuery,
    SubmitRequest,
)
from gateway.proto.condocharge.v1.wallets_pb2_grpc import WalletsStub
from tests.examples import examples
from tests.gateway.grpc.machines import CODE, NOW, TOKENS, Machines, Purse, machines

if TYPE_CHECKING:
    from gateway.proto.condocharge.v1.wallets_pb2_grpc import WalletsAsyncStub

CALLS = ("Submit", "GetSession", "WatchSession", "Balance", "Statement")


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Machines]:
    """A whole gateway behind gRPC."""
    async with machines(tmp_path) as opened:
        yield opened


@pytest.fixture
def wallets(gateway: Machines) -> WalletsAsyncStub:
    """The service's stub."""
    return cast("WalletsAsyncStub", WalletsStub(gateway.channel))


async def refused(call: grpc.aio.UnaryUnaryCall[Any, Any]) -> tuple[grpc.StatusCode, str]:
    """The status of a call that is refused, and the field that it names."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), json.loads(caught.value.details() or "{}").get("field", "")


async def test_an_intent_reaches_the_ledger(gateway: Machines, wallets: WalletsAsyncStub) -> None:
    """A transfer changes the balance, and shows in the statement; sent twice it is made once."""
    purse = gateway.purse
    intent = gateway.transfer(1_200)
    first = await wallets.Submit(purse.submit(intent))
    assert (first.kind, first.id) == ("transfer", intent_id(intent.encode()))
    await wallets.Submit(purse.submit(intent))
    held = await wallets.Balance(purse.ask("Balance"))
    assert (held.wallet, held.key, held.issuer) == (purse.id, purse.id, CODE)
    assert (held.balance, held.escrow) == (TOKENS - 1_200, 0)
    await gateway.house.clock.settle()
    rows = (await wallets.Statement(purse.ask("Statement"))).rows
    assert [(row.kind, row.amount) for row in rows] == [("transfer", -1_200), ("purchase", TOKENS)]
    assert rows[0].transaction == first.transaction
    assert not rows[0].HasField("session")


async def test_a_session_is_watched(gateway: Machines, wallets: WalletsAsyncStub) -> None:
    """From its opening to its end: one message at once, one at each change, then the stream ends."""
    opened = await wallets.Submit(gateway.purse.submit(gateway.open_intent()))
    session = await wallets.GetSession(SessionRequest(session=opened.id))
    assert (session.session, session.wallet, session.unit) == (opened.id, gateway.purse.id, 1)
    assert (session.escrow, session.state, session.deadline) == (1_000, "opened", NOW + 3_600)
    assert not session.HasField("ended")
    assert json.loads(opened.record)["id"] == opened.id
    watching = aiter(wallets.WatchSession(SessionRequest(session=opened.id)))
    assert (await anext(watching)).session == opened.id
    stop = StopIntent(
        network="condocharge",
        wallet=gateway.purse.id,
        nonce=new_nonce(),
        expires=NOW + 600,
        session=opened.id,
    )
    await wallets.Submit(gateway.purse.submit(stop))
    async with asyncio.timeout(20):
        shown = [each async for each in watching]
    assert shown[-1].activity == "ended"
    assert (await wallets.Balance(gateway.purse.ask("Balance"))).balance == TOKENS


async def test_what_the_rules_reject(gateway: Machines, wallets: WalletsAsyncStub) -> None:
    """Statuses that name the field."""
    purse, thief = gateway.purse, Purse("thief")
    forged = purse.submit(gateway.transfer(1))
    forged.signature = thief.submit(gateway.transfer(1)).signature
    assert (await refused(wallets.Submit(forged)))[0] is grpc.StatusCode.PERMISSION_DENIED
    too_much = purse.submit(gateway.transfer(TOKENS + 1))
    assert (await refused(wallets.Submit(too_much)))[0] is grpc.StatusCode.FAILED_PRECONDITION
    elsewhere = purse.submit(gateway.open_intent(unit=9))
    assert await refused(wallets.Submit(elsewhere)) == (grpc.StatusCode.NOT_FOUND, "unit")
    short = SubmitRequest(body=gateway.transfer(1).encode(), signature=b"short")
    assert await refused(wallets.Submit(short)) == (grpc.StatusCode.INVALID_ARGUMENT, "signature")
    unknown = wallets.GetSession(SessionRequest(session="ab" * 32))
    assert await refused(unknown) == (grpc.StatusCode.NOT_FOUND, "session")
    nonsense = wallets.GetSession(SessionRequest(session="AB"))
    assert await refused(nonsense) == (grpc.StatusCode.INVALID_ARGUMENT, "session")


async def test_a_query_is_good_for_one_call(gateway: Machines, wallets: WalletsAsyncStub) -> None:
    """Replayed, for another call, another network or with another content it proves nothing."""
    purse = gateway.purse
    query = purse.ask("Balance")
    await wallets.Balance(query)
    unauthenticated = grpc.StatusCode.UNAUTHENTICATED
    assert await refused(wallets.Balance(query)) == (unauthenticated, "authorization.nonce")
    signature = (unauthenticated, "authorization.signature")
    assert await refused(wallets.Statement(purse.ask("Balance"))) == signature
    assert await refused(wallets.Balance(purse.ask("Balance", network="other"))) == signature
    altered = purse.ask("Statement")
    altered.content = PageQuery(bookmark="1.1").SerializeToString()
    assert await refused(wallets.Statement(altered)) == signature
    unsigned = wallets.Balance(SignedQuery(authorization="Bearer x"))
    assert await refused(unsigned) == (unauthenticated, "authorization")
    page = purse.ask("Statement", PageQuery(bookmark="nonsense!").SerializeToString())
    assert await refused(wallets.Statement(page)) == (grpc.StatusCode.INVALID_ARGUMENT, "bookmark")
    other = await wallets.Balance(Purse("neighbour").ask("Balance"))
    assert other.balance == 0


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    call=st.sampled_from(["Submit", "GetSession", "WatchSession", "Balance", "Statement"]), octets=st.binary()
)
async def test_hostile_bytes(gateway: Machines, call: str, octets: bytes) -> None:
    """Whatever bytes stand for a message, it is the caller's fault, and no block is written."""
    height = await gateway.house.gateway.ledger.height()
    stream = gateway.channel.unary_stream(f"/condocharge.v1.Wallets/{call}", bytes, bytes)(octets)
    assert await stream.code() in {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
    }
    assert await gateway.house.gateway.ledger.height() == height
