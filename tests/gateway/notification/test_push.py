"""Messages to browsers: encrypted for one alone, signed by the gateway, of one length."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chaincode.errors import InvalidArgument
from gateway.clock import SystemClock
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
