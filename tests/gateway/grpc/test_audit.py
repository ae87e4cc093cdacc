"""Auditors over gRPC: the ledger's blocks and events, as the ledger has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.proto.condocharge.v1.audit_pb2 import (
    Event,
    EventsRequest,
    ExportRequest,
    GetBlockRequest,
    GetLedgerRequest,
)
from gateway.proto.condocharge.v1.audit_pb2_grpc import AuditStub
from gateway.proto.condocharge.v1.wallets_pb2_grpc import WalletsStub
from tests.examples import examples
from tests.gateway.grpc.machines import Machines, machines

if TYPE_CHECKING:
    from gateway.proto.condocharge.v1.audit_pb2_grpc import AuditAsyncStub
    from gateway.proto.condocharge.v1.wallets_pb2_grpc import WalletsAsyncStub


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Machines]:
    """A whole gateway behind gRPC."""
    async with machines(tmp_path) as opened:
        yield opened


@pytest.fixture
def audit(gateway: Machines) -> AuditAsyncStub:
    """The service's stub."""
    return cast("AuditAsyncStub", AuditStub(gateway.channel))


async def take(stream: AsyncIterator[Event], count: int) -> list[Event]:
    """The next events of a stream."""
    async with asyncio.timeout(20):
        return [await anext(stream) for _ in range(count)]


async def test_blocks(gateway: Machines, audit: AuditAsyncStub) -> None:
    """Each block is the ledger's own, and the height says where they end."""
    ledger = gateway.house.gateway.ledger
    state = await audit.GetLedger(GetLedgerRequest())
    assert (state.network, state.height) == (ledger.channel, await ledger.height())
    for number in range(state.height):
        block, own = await audit.GetBlock(GetBlockRequest(number=number)), await ledger.block(number)
        assert (block.number, block.hash, block.previous_hash) == (number, own.hash, own.previous_hash)
        assert [each.envelope for each in block.transactions] == [each.envelope for each in own.transactions]
        assert [each.validation for each in block.transactions] == [
            each.validation for each in own.transactions
        ]
    assert state.hash == own.hash
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await audit.GetBlock(GetBlockRequest(number=state.height))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_the_export_is_that_of_rest(gateway: Machines, audit: AuditAsyncStub) -> None:
    """Line by line, from the block that was asked for."""
    async with gateway.house.client() as client:
        lines = (await client.get("/v1/ledger/export")).content.splitlines()
    for start in (0, 2):
        exported = [each.line async for each in audit.Export(ExportRequest(start=start))]
        assert exported == lines[start:]


async def test_events_go_on(gateway: Machines, audit: AuditAsyncStub) -> None:
    """Past ones from a block on, then those that come; a reader that comes again misses none."""
    wallets = cast("WalletsAsyncStub", WalletsStub(gateway.channel))
    stream = aiter(audit.Events(EventsRequest(start=0)))
    past = await take(stream, 4)
    names = [event.name for event in past]
    assert names[0] == "condominium.registered"
    relayed = await wallets.Submit(gateway.purse.submit(gateway.transfer(1)))
    seen = past
    while seen[-1].transaction != relayed.transaction:
        seen += await take(stream, 1)
    again = aiter(audit.Events(EventsRequest(start=seen[-2].block, seen=seen[-2].index)))
    assert await take(again, 1) == seen[-1:]
    assert [event.block for event in seen] == sorted(event.block for event in seen)


async def test_events_from_now_on(gateway: Machines, audit: AuditAsyncStub) -> None:
    """Without a block to begin with, only what comes."""
    wallets = cast("WalletsAsyncStub", WalletsStub(gateway.channel))
    stream = audit.Events(EventsRequest())
    await stream.wait_for_connection()
    height = await gateway.house.gateway.ledger.height()
    relayed = await wallets.Submit(gateway.purse.submit(gateway.transfer(1)))
    (first,) = await take(aiter(stream), 1)
    assert (first.block, first.transaction) == (height, relayed.transaction)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=st.sampled_from(["GetLedger", "GetBlock", "Export"]), octets=st.binary())
async def test_hostile_bytes(gateway: Machines, call: str, octets: bytes) -> None:
    """Whatever bytes stand for a message: answered, or refused as the caller's fault."""
    stream = gateway.channel.unary_stream(f"/condocharge.v1.Audit/{call}", bytes, bytes)(octets)
    allowed = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
    try:
        async for _ in stream:
            pass
    except grpc.aio.AioRpcError as error:
        assert error.code() in allowed
