"""Start requests: authentic, in order, handed on before they are answered."""

from __future__ import annotations

import pytest

from chaincode.opening import REQUEST_VALIDITY
from chaincode.signing import domain
from chaincode.signing.command import CommandKind
from chaincode.unit import MAC
from gateway.clock import SimulatedClock
from gateway.metering.received import RequestReceived
from gateway.metering.refusal import RefusalKind, Refused
from gateway.metering.service import Metering
from tests.gateway.metering.meter import SESSION, SIGNING_PUBLIC, Meter, Place


async def refused(metering: Metering, message: bytes, unit: int | None = None) -> RefusalKind:
    """The kind of refusal that a request gets."""
    with pytest.raises(Refused) as caught:
        await metering.request(message, unit)
    return caught.value.kind


async def test_a_request_is_handed_on(metering: Metering, place: Place, meter: Meter) -> None:
    """With evidence that the ledger verifies, before the unit gets its answer."""

    async def open_session(received: RequestReceived) -> None:
        await place.on_request(received)
        metering.outbox.send(received.unit, CommandKind.ON, SESSION, grant=60)

    metering.requests.subscribe(open_session)
    message = meter.ask(1)
    command = meter.read(await metering.request(message))
    assert (command.kind, command.boot, command.acknowledged) == (CommandKind.ON, 1, 0)
    (received,) = place.requests
    assert (received.unit, received.message, received.request.number) == (7, message, 1)
    if meter.unit_class == MAC:
        assert received.evidence[: len(message)] == message
        attestation = received.evidence[len(message) :]
        assert domain.verifies(SIGNING_PUBLIC, domain.ATTESTATION, message, attestation)
    else:
        assert received.evidence == message


async def test_the_answer_acknowledges_what_is_stored(metering: Metering, meter: Meter) -> None:
    """A request's answer carries the last batch's number, as every command does."""
    await metering.exchange(meter.send() + meter.send())
    assert meter.read(await metering.request(meter.ask(1))).acknowledged == 2


async def test_a_request_after_a_restart(metering: Metering, meter: Meter) -> None:
    """It is the first word of the new start, and the answer is for that."""
    await metering.exchange(meter.send())
    meter.restart()
    assert meter.read(await metering.request(meter.ask(1))).boot == 2


async def test_numbers_rise_within_a_start(metering: Metering, place: Place, meter: Meter) -> None:
    """The latest may come again, an older one not; a new start begins anew."""
    for message in (meter.ask(1), meter.ask(2), meter.ask(2)):
        await metering.request(message)
    assert await refused(metering, meter.ask(1)) is RefusalKind.OLD_REQUEST
    assert await refused(metering, meter.ask(2, time=meter.time + 1)) is RefusalKind.REPEATED_NUMBER
    meter.restart()
    await metering.request(meter.ask(1))
    meter.boot = 1
    assert await refused(metering, meter.ask(3)) is RefusalKind.OLD_REQUEST
    assert [each.request.number for each in place.requests] == [1, 2, 2, 1]


async def test_a_recorded_request_is_too_old(
    metering: Metering, clock: SimulatedClock, place: Place, meter: Meter
) -> None:
    """One that was kept back opens nothing later, nor does one from the future."""
    message = meter.ask(1)
    await clock.advance(REQUEST_VALIDITY + 1)
    assert await refused(metering, message) is RefusalKind.OLD_REQUEST
    future = meter.ask(1, time=clock.now() // 1_000 + REQUEST_VALIDITY + 1)
    assert await refused(metering, future) is RefusalKind.OLD_REQUEST
    assert place.requests == []


async def test_a_failure_to_deal_with_it_can_be_repeated(
    metering: Metering, place: Place, meter: Meter
) -> None:
    """Where the subscriber fails, whoever asked is told; asking again hands it on again."""

    async def fail(_: RequestReceived) -> None:
        raise ConnectionError("the ledger is away")

    metering.requests.subscribe(fail)
    message = meter.ask(1)
    with pytest.raises(ConnectionError):
        await metering.request(message)
    metering.requests.subscribe(place.on_request)
    await metering.request(message)
    assert len(place.requests) == 1


async def test_attacks_open_nothing(metering: Metering, place: Place, meter: Meter) -> None:
    """Another key, network, unit, domain or length is refused by its rule."""
    mallory = Meter(unit_class=meter.unit_class, name="mallory")
    stranger = Meter(unit_class=meter.unit_class, network=domain.network_tag("condocharge", "boreal"))
    body = meter.ask(1)[:40]
    attacks = [
        (mallory.ask(1), RefusalKind.FORGED),
        (stranger.ask(1), RefusalKind.WRONG_NETWORK),
        (meter.ask(1, unit=9), RefusalKind.FORGED),
        (meter.seal(body, domain.BATCH), RefusalKind.FORGED),
        (meter.seal(b"\1\3" + body[2:], domain.REQUEST), RefusalKind.MALFORMED),
        (meter.ask(1)[:-1], RefusalKind.MALFORMED),
        (meter.send(), RefusalKind.MALFORMED),
        (b"", RefusalKind.MALFORMED),
        (Meter(number=99).ask(1), RefusalKind.UNKNOWN_UNIT),
    ]
    for message, kind in attacks:
        assert await refused(metering, message) is kind
    assert await refused(metering, meter.ask(1), unit=8) is RefusalKind.WRONG_UNIT
    assert place.requests == []
    assert sum(metering.refusals.counts.values()) == len(attacks) + 1
    await metering.request(meter.ask(1))
    assert len(place.requests) == 1
