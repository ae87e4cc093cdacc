"""The units' stream over a real connection: commands both ways, backpressure, hostile bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, cast

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaincode.signing import domain
from chaincode.signing.command import Command, CommandKind
from chaincode.signing.configuration import BODY_BYTES, decode_configuration
from gateway.grpc.server import MAX_MESSAGE_BYTES
from gateway.metering.refusal import RefusalKind
from gateway.metering.service import Metering
from gateway.proto.condocharge.v1.units_pb2 import ConfigureRequest, FromUnit, StartRequest, ToUnit
from gateway.proto.condocharge.v1.units_pb2_grpc import UnitsStub
from gateway.store.database import Database
from tests.examples import examples
from tests.gateway.metering.meter import MEASURING, SESSION, SIGNING_PUBLIC, Meter, Place

if TYPE_CHECKING:
    from gateway.proto.condocharge.v1.units_pb2_grpc import UnitsAsyncStub

Stream = grpc.aio.StreamStreamCall[FromUnit, ToUnit]


@pytest.fixture
def units(channel: grpc.aio.Channel) -> UnitsAsyncStub:
    """The service's stub."""
    return cast("UnitsAsyncStub", UnitsStub(channel))


async def command(stream: Stream, meter: Meter) -> Command:
    """The next message, which has to be an authentic command."""
    answer = await asyncio.wait_for(stream.read(), 10)
    assert isinstance(answer, ToUnit), answer
    assert answer.WhichOneof("content") == "command"
    return meter.read(answer.command)


async def test_a_conversation(units: UnitsAsyncStub, metering: Metering, place: Place, meter: Meter) -> None:
    """Batches are acknowledged; a command is pushed at once, without the unit asking."""
    stream = units.Exchange(None)
    await stream.write(FromUnit(batches=meter.send() + meter.send()))
    assert (await command(stream, meter)).acknowledged == 2
    metering.outbox.send(7, CommandKind.ON, SESSION, grant=60)
    pushed = await command(stream, meter)
    assert (pushed.kind, pushed.session) == (CommandKind.ON, SESSION)
    await stream.write(FromUnit(batches=meter.send(session=SESSION, flags=MEASURING)))
    answer = await command(stream, meter)
    assert (answer.kind, answer.acknowledged) == (CommandKind.ACKNOWLEDGE, 3)
    await stream.done_writing()
    assert not isinstance(await stream.read(), ToUnit)
    assert await stream.code() is grpc.StatusCode.OK
    assert [each.batch.number for each in place.batches] == [1, 2, 3]


async def test_a_unit_that_sends_on_is_acknowledged_in_one(units: UnitsAsyncStub, meter: Meter) -> None:
    """Many messages without waiting: all are stored, and the last command acknowledges all."""

    async def backlog() -> AsyncIterator[FromUnit]:
        for _ in range(100):
            yield FromUnit(batches=meter.send())

    commands = [meter.read(answer.command) async for answer in units.Exchange(backlog())]
    assert commands[-1].acknowledged == 100
    assert [each.counter for each in commands] == sorted({each.counter for each in commands})
    assert len(commands) <= 100


async def test_a_refusal_leaves_the_stream_open(
    units: UnitsAsyncStub, metering: Metering, place: Place, meter: Meter
) -> None:
    """Unsound messages are answered with field and rule, change nothing, and the next sound one counts."""
    stream = units.Exchange(None)
    forged = bytearray(meter.batch().encode() + bytes(64))
    for body, field in ((bytes(forged), "batch.signature"), (b"", "request"), (b"\1\0\7\0", "batch")):
        await stream.write(FromUnit(batches=body))
        answer = await asyncio.wait_for(stream.read(), 10)
        assert isinstance(answer, ToUnit)
        assert answer.refusal.field == field
        assert answer.refusal.rule
    await stream.write(FromUnit(batches=meter.send()))
    assert (await command(stream, meter)).acknowledged == 1
    assert len(place.batches) == 1
    assert metering.refusals.counts == {RefusalKind.FORGED: 1, RefusalKind.MALFORMED: 2}
    stream.cancel()


async def test_a_stream_is_one_units(units: UnitsAsyncStub, place: Place, meter: Meter) -> None:
    """Another unit's sound batch is refused on it."""
    stream = units.Exchange(None)
    await stream.write(FromUnit(batches=meter.send()))
    await command(stream, meter)
    await stream.write(FromUnit(batches=place.meters[8].send()))
    answer = await stream.read()
    assert isinstance(answer, ToUnit)
    assert answer.refusal.field == "batch.unit"
    assert len(place.batches) == 1
    stream.cancel()


async def test_the_newest_stream_gets_the_commands(
    units: UnitsAsyncStub, metering: Metering, meter: Meter
) -> None:
    """The older one is ended, saying why."""
    older, newer = units.Exchange(None), units.Exchange(None)
    await older.write(FromUnit(batches=meter.send()))
    await command(older, meter)
    await newer.write(FromUnit(batches=meter.send()))
    await command(newer, meter)
    assert await older.code() is grpc.StatusCode.ABORTED
    assert "newer" in (await older.details() or "")
    metering.outbox.send(7, CommandKind.OFF, SESSION)
    assert (await command(newer, meter)).kind is CommandKind.OFF
    newer.cancel()


async def test_a_recording_displaces_no_stream(
    units: UnitsAsyncStub, metering: Metering, meter: Meter
) -> None:
    """Replayed batches are acknowledged to whoever sent them; commands go to the unit."""
    unit, replay = units.Exchange(None), units.Exchange(None)
    recorded = meter.send()
    await unit.write(FromUnit(batches=recorded))
    await command(unit, meter)
    await replay.write(FromUnit(batches=recorded))
    assert (await command(replay, meter)).kind is CommandKind.ACKNOWLEDGE
    metering.outbox.send(7, CommandKind.OFF, SESSION)
    assert (await command(unit, meter)).kind is CommandKind.OFF
    assert not replay.done()
    unit.cancel()
    replay.cancel()


async def test_a_command_survives_a_lost_stream(
    units: UnitsAsyncStub, metering: Metering, meter: Meter
) -> None:
    """What was given on a stream that broke is given again on the next one."""
    broken = units.Exchange(None)
    await broken.write(FromUnit(batches=meter.send()))
    await command(broken, meter)
    metering.outbox.send(7, CommandKind.END, SESSION)
    assert (await command(broken, meter)).kind is CommandKind.END
    broken.cancel()
    again = units.Exchange(None)
    await again.write(FromUnit(batches=meter.send(session=SESSION)))
    assert (await command(again, meter)).kind is CommandKind.END
    again.cancel()


async def test_a_database_that_fails_ends_the_stream(
    units: UnitsAsyncStub, database: Database, meter: Meter
) -> None:
    """UNAVAILABLE, nothing acknowledged, and no word of where the database is."""
    stream = units.Exchange(None)
    await database.close()
    await stream.write(FromUnit(batches=meter.send()))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "sqlite" not in (caught.value.details() or "")


async def test_configure(units: UnitsAsyncStub, meter: Meter) -> None:
    """The configuration is authentic and names the boot count asked with."""
    message = (await units.Configure(ConfigureRequest(unit=7, boot=3))).configuration
    body = message[:BODY_BYTES]
    assert domain.verifies(SIGNING_PUBLIC, domain.CONFIGURATION, body, message[BODY_BYTES:])
    configuration = decode_configuration(body)
    assert (configuration.unit, configuration.boot, configuration.server) == (7, 3, "gateway.example")


async def test_configure_an_unknown_unit(units: UnitsAsyncStub) -> None:
    """NOT_FOUND, with field and rule as JSON."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await units.Configure(ConfigureRequest(unit=99, boot=1))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert json.loads(caught.value.details() or "")["field"] == "unit"


async def test_a_start_request(units: UnitsAsyncStub, metering: Metering, place: Place, meter: Meter) -> None:
    """It is handed on, and answered with a command; on the stream too."""
    answer = await units.Request(StartRequest(request=meter.ask(1)))
    assert meter.read(answer.command).kind is CommandKind.ACKNOWLEDGE
    stream = units.Exchange(None)
    await stream.write(FromUnit(request=meter.ask(2)))
    assert (await command(stream, meter)).kind is CommandKind.ACKNOWLEDGE
    assert [each.request.number for each in place.requests] == [1, 2]
    stream.cancel()


async def test_a_wait_that_is_too_long(units: UnitsAsyncStub, place: Place, meter: Meter) -> None:
    """Refused before the request is looked at."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await units.Request(StartRequest(request=meter.ask(), wait=26))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert place.requests == []


async def test_a_message_that_is_too_long(units: UnitsAsyncStub, place: Place) -> None:
    """The transport refuses it unread."""
    stream = units.Exchange(None)
    await stream.write(FromUnit(batches=bytes(MAX_MESSAGE_BYTES)))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert place.batches == []


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_hostile_bytes(
    channel: grpc.aio.Channel, metering: Metering, place: Place, meter: Meter, data: st.DataObject
) -> None:
    """Whatever bytes stand for a message of each call, it is refused by a rule, and nothing changes."""
    path = data.draw(st.sampled_from(["Exchange", "Configure", "Request"]))
    sound = meter.batch().encode()
    payload = data.draw(
        st.one_of(
            st.binary(max_size=400),
            st.builds(
                lambda body, kind: _message(kind, body),
                st.one_of(st.binary(max_size=400), st.binary(max_size=80).map(lambda tail: sound + tail)),
                st.sampled_from(["batches", "request"]),
            ),
        )
    )
    call = channel.stream_stream(f"/condocharge.v1.Units/{path}", bytes, ToUnit.FromString)(iter([payload]))
    answers = [answer async for answer in _until_error(call)]
    code = await call.code()
    assert code in {
        grpc.StatusCode.OK,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.PERMISSION_DENIED,
    }
    if path == "Exchange":
        assert all(answer.WhichOneof("content") == "refusal" for answer in answers)
    assert place.batches == []
    assert place.requests == []
    assert await metering.readings.last(meter.enrolled()) is None


def _message(kind: str, body: bytes) -> bytes:
    message = FromUnit(batches=body) if kind == "batches" else FromUnit(request=body)
    return message.SerializeToString()


async def _until_error(call: Any) -> AsyncIterator[ToUnit]:
    try:
        async for answer in call:
            yield answer
    except grpc.aio.AioRpcError:
        return
