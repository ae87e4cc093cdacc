"""Messages to browsers: encrypted for one alone, signed by the gateway, of one length."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chaincode.errors import InvalidArgument
from gateway.clock import SystemClock
from gateway.notification import push
from gateway.notification.push import Address, Outcome, PushSender, check_keys, new_key
from tests.gateway.notification.push_service import PushService, base64url

CONTACT = "mailto:operator@riverside.example"


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    """A push service on the loopback."""
    with PushService() as service:
        yield service


async def test_only_the_browser_reads_it_and_knows_who_sent_it(service: PushService) -> None:
    """Decrypted with the subscription's key; the token names service, sender and an end (RFC 8292)."""
    clock = SystemClock()
    sender = PushSender(new_key(), CONTACT, clock, [service.origin])
    address = Address(**service.subscription)
    message = {"kind": "charged", "name": "full", "unit": 3, "values": {"energy": 4_600}}
    assert await sender.send(address, message) is Outcome.TAKEN
    assert await sender.send(address, {}) is Outcome.TAKEN
    await sender.close()
    first, second = service.received
    assert service.read(first) == message
    assert (first.path, first.headers["content-encoding"]) == ("/browser/1", "aes128gcm")
    assert int(first.headers["ttl"]) > 3_600
    assert len(first.body) == len(second.body)
    assert b"charged" not in first.body
    claims, key = service.claims(first)
    assert (claims["aud"], claims["sub"], key) == (service.origin, CONTACT, sender.public_key)
    assert 0 < claims["exp"] - clock.now() // 1000 <= 86_400


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (201, Outcome.TAKEN),
        (404, Outcome.GONE),
        (410, Outcome.GONE),
        (429, Outcome.LATER),
        (503, Outcome.LATER),
        (302, Outcome.REFUSED),
        (400, Outcome.REFUSED),
    ],
)
async def test_each_answer_has_its_meaning(service: PushService, status: int, outcome: Outcome) -> None:
    """A redirection is not followed: it could lead inside."""
    service.answers.append(status)
    sender = PushSender(new_key(), CONTACT, SystemClock(), [service.origin])
    assert await sender.send(Address(**service.subscription), {}) is outcome
    assert len(service.received) == 1
    await sender.close()


async def test_a_service_inside_that_nobody_named_is_not_asked(service: PushService) -> None:
    """And one that does not answer is tried later."""
    address = Address(**service.subscription)
    stranger = PushSender(new_key(), CONTACT, SystemClock())
    assert await stranger.send(address, {}) is Outcome.REFUSED
    assert service.received == []
    gone = "http://127.0.0.1:9"
    sender = PushSender(new_key(), CONTACT, SystemClock(), [gone])
    assert await sender.send(Address(f"{gone}/1", address.key, address.secret), {}) is Outcome.LATER
    await stranger.close()
    await sender.close()


@asynccontextmanager
async def _answering(*parts: bytes, pause: float) -> AsyncIterator[str]:
    """The origin of a service that sends these parts, each after a pause of seconds, and does not hang up."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
            await over.wait()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.close()


async def test_the_body_of_an_answer_is_not_waited_for(service: PushService) -> None:
    """A resident's own push server may announce a terabyte: the status is all that counts."""
    address = Address(**service.subscription)
    head = b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: 1000000000000\r\n\r\n"
    async with _answering(head, b"\x1f", pause=0) as origin:
        sender = PushSender(new_key(), CONTACT, SystemClock(), [origin])
        assert await sender.send(Address(f"{origin}/1", address.key, address.secret), {}) is Outcome.TAKEN
        await sender.close()


async def test_an_answer_that_trickles_is_given_up(
    service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is for the whole exchange: a byte now and then does not prolong it."""
    monkeypatch.setattr(push, "_TIMEOUT", 0.3)
    address = Address(**service.subscription)
    answer = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
    parts = [answer[at : at + 1] for at in range(len(answer))]
    async with _answering(*parts, pause=0.05) as origin:
        sender = PushSender(new_key(), CONTACT, SystemClock(), [origin])
        assert await sender.send(Address(f"{origin}/1", address.key, address.secret), {}) is Outcome.LATER
        await sender.close()


def test_keys_of_another_form_are_refused(service: PushService) -> None:
    """A point that is not on the curve would tell an attacker something; a short secret would be guessed."""
    good = service.subscription
    check_keys(good["key"], good["secret"])
    for key, secret in (
        (base64url(b"\x04" + bytes(64)), good["secret"]),
        (good["key"][:-4], good["secret"]),
        (good["key"], "AAAA"),
        (good["key"] + "=", good["secret"]),
    ):
        with pytest.raises(InvalidArgument):
            check_keys(key, secret)
