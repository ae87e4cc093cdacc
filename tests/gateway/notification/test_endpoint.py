"""Where push messages may go: a browser must not make the gateway knock at its own network's doors."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from chaincode.errors import InvalidArgument
from gateway.notification import endpoint as module
from gateway.notification.endpoint import Forbidden, check, resolve

OWN = ("http://push.lan:8090",)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://updates.push.example/1",
        "ftp://updates.push.example/1",
        "https://updates.push.example:8443/1",
        "https://user@updates.push.example/1",
        "https://updates.push.example/1#x",
        "https:///1",
        "https://127.0.0.1/1",
        "https://10.0.0.7/1",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/1",
        "https://[::ffff:192.168.1.1]/1",
        "https://[64:ff9b::a00:1]/1",
        "https://[64:ff9b:1::a00:1]/1",
        "https://[fec0::1]/1",
        "https://[::192.168.1.1]/1",
        "https://[::ffff:0:192.168.1.1]/1",
        "https://[2002:c0a8:101::]/1",
        "https://100.64.0.1/1",
        "https://224.0.0.1/1",
        "https://updates.push.example/\n1",
        "https://updates.push.example/" + "x" * 1_000,
        "http://push.lan:8091/1",
        "https://[oops/1",
        "",
    ],
)
def test_an_endpoint_of_another_form_is_refused(endpoint: str) -> None:
    """Not HTTPS, another port, a credential, an address that is not public in any of its disguises."""
    with pytest.raises(InvalidArgument, match="endpoint"):
        check(endpoint, OWN)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://updates.push.example/wpush/v2/abc?x=1",
        "https://1.1.1.1/1",
        "https://[2606:4700::1111]/1",
        "https://[64:ff9b::101:101]/1",
        "http://push.lan:8090/1",
    ],
)
def test_public_endpoints_and_those_of_the_settings_pass(endpoint: str) -> None:
    """Browser vendors' services, and the condominium's own."""
    check(endpoint, OWN)


def _answers(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name have these addresses: no name server can be reached from a test."""

    def lookup(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["93.184.216.34", "192.168.1.1"], ["169.254.169.254"], ["::1"], ["fd00::1"]]
)
async def test_a_name_that_leads_inside_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    """One private address among public ones is enough to refuse."""
    _answers(monkeypatch, *addresses)
    with pytest.raises(Forbidden, match="not public"):
        await resolve("https://updates.push.example/1", OWN)


async def test_the_judged_address_is_the_one_to_connect_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is asked once; its certificate is still asked for by name."""
    _answers(monkeypatch, "93.184.216.34")
    found = await resolve("https://updates.push.example/a/b?c=d", OWN)
    assert found.url == "https://93.184.216.34:443/a/b?c=d"
    assert (found.host, found.server_name) == ("updates.push.example", "updates.push.example")
    assert found.origin == "https://updates.push.example"


async def test_an_own_service_may_be_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was named in the settings, with its port and without HTTPS."""
    _answers(monkeypatch, "192.168.1.9")
    found = await resolve("http://push.lan:8090/1", OWN)
    assert (found.url, found.host) == ("http://192.168.1.9:8090/1", "push.lan:8090")


async def test_a_slow_look_up_is_given_up_and_holds_no_thread_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever names the host runs its name server; passwords are checked in the loop's own threads."""
    answered, threads = threading.Event(), list[str]()

    def lookup(*_: Any, **__: Any) -> list[Any]:
        threads.append(threading.current_thread().name)
        answered.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(module, "_LOOK_UP", 0.05)
    try:
        with pytest.raises(TimeoutError):
            await resolve("https://updates.push.example/1", OWN)
    finally:
        answered.set()
    assert [name.rpartition("_")[0] for name in threads] == ["look-up"]
