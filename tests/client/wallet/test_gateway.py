"""The wallet's side of the REST API: what it sends, what it believes, what it says when things go wrong."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from chaincode.signing.intent import StopIntent, intent_id, new_nonce
from client.wallet import gateway as module
from client.wallet.gateway import Gateway, GatewayGarbled, GatewayRefused, GatewayUnreachable
from client.wallet.key import SignedIntent, WalletKey
from tests.client.relay import ADDRESS, NETWORK, Relay, server_sent, session_members

KEY = WalletKey(bytes(32), WalletKey(bytes(32), bytes(32)).public)
WALLET = KEY.wallet.hex()
SESSION = "ab" * 32


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> Relay:
    """A gateway that answers at once."""
    monkeypatch.setattr(module, "_PAUSE", 0)
    return Relay()


@pytest.fixture
def gateway(relay: Relay) -> Gateway:
    """The wallet's client of it."""
    return Gateway(ADDRESS, network=NETWORK, key=KEY, http=relay.client())


def stop() -> SignedIntent:
    """A signed intent."""
    return KEY.sign(
        StopIntent(network=NETWORK, wallet=WALLET, nonce=new_nonce(), expires=1_800_000_000, session=SESSION)
    )


def test_the_condominium_is_read(gateway: Gateway) -> None:
    """Members that the client does not know are ignored."""
    condominium = gateway.condominium()
    assert (condominium.code, condominium.decimals, condominium.tariff) == ("sol", 2, 3)


def test_an_intent_travels_as_its_exact_bytes(gateway: Gateway, relay: Relay) -> None:
    """The relay verifies the signature over the body as it received it."""
    intent = stop()
    assert gateway.submit(intent) == {}
    sent = json.loads(relay.requests[-1].content)
    assert base64.urlsafe_b64decode(sent["body"] + "==") == intent.body
    assert "=" not in sent["body"]


def test_an_intent_is_sent_again_where_no_answer_comes(gateway: Gateway, relay: Relay) -> None:
    """The same bytes go out again; the ledger does an intent once."""
    relay.failures = 2
    gateway.submit(stop())
    assert len({request.content for request in relay.requests}) == 1
    assert len(relay.requests) == 3


def test_a_gateway_that_stays_silent_is_named(gateway: Gateway, relay: Relay) -> None:
    """After three attempts the address is in the error, and what to do."""
    relay.failures = 3
    with pytest.raises(GatewayUnreachable, match=r"gateway\.test does not answer .*try again"):
        gateway.balance()


def test_a_purchase_is_never_sent_twice(gateway: Gateway, relay: Relay) -> None:
    """A second reference for one payment would confuse everybody, so a silent gateway ends it."""
    relay.failures = 1
    with pytest.raises(GatewayUnreachable):
        gateway.buy(500)
    assert len(relay.requests) == 1


def test_an_answer_for_another_intent_is_not_believed(gateway: Gateway, relay: Relay) -> None:
    """A gateway that mixes up its answers is caught."""
    relay.answers["POST /v1/intents"] = (201, {"id": "00" * 32, "record": {}})
    with pytest.raises(GatewayGarbled, match="another intent"):
        gateway.submit(stop())


def test_a_problem_body_becomes_field_and_rule(gateway: Gateway, relay: Relay) -> None:
    """RFC 9457's members and ours arrive with the error."""
    problem = {
        "title": "State conflict",
        "status": 409,
        "detail": "amount: is at most 300, the wallet's balance",
        "field": "amount",
        "rule": "is at most 300, the wallet's balance",
        "code": "state-conflict",
    }
    relay.answers["POST /v1/intents"] = (409, problem)
    with pytest.raises(GatewayRefused, match="amount: is at most 300") as refused:
        gateway.submit(stop())
    assert (refused.value.status, refused.value.code, refused.value.field) == (
        409,
        "state-conflict",
        "amount",
    )


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"3", b"\xff"])
def test_an_answer_that_is_no_gateways_is_garbled(gateway: Gateway, relay: Relay, content: bytes) -> None:
    """A captive portal or a wrong port is told from a gateway, whatever the status."""
    for status in (200, 502):
        relay.answers["GET /v1/condominium"] = (status, content)
        with pytest.raises(GatewayGarbled):
            gateway.condominium()


@pytest.mark.parametrize(
    "changes", [{"escrow": "1200"}, {"escrow": 12.5}, {"state": "lost"}, {"unit": -1}, {"attested": None}]
)
def test_a_member_of_another_type_is_named(gateway: Gateway, relay: Relay, changes: dict[str, Any]) -> None:
    """The gateway's answers are read as strictly as anybody's."""
    relay.answers[f"GET /v1/sessions/{SESSION}"] = (200, session_members(SESSION, WALLET, **changes))
    with pytest.raises(GatewayGarbled, match=next(iter(changes))):
        gateway.session(SESSION)


def test_lists_are_read_page_by_page(gateway: Gateway, relay: Relay) -> None:
    """The bookmark leads on until it is empty, escaped as a URL needs it."""
    first, second = (session_members(byte * 32, WALLET) for byte in ("aa", "bb"))
    relay.answers[f"GET /v1/wallets/{WALLET}/sessions"] = (200, {"rows": [first], "bookmark": "a&b c"})
    relay.answers[f"GET /v1/wallets/{WALLET}/sessions?bookmark=a%26b%20c"] = (
        200,
        {"rows": [second], "bookmark": ""},
    )
    assert [session.session for session in gateway.sessions()] == ["aa" * 32, "bb" * 32]


def test_a_list_without_end_is_garbled(gateway: Gateway, relay: Relay) -> None:
    """A bookmark that leads back to itself does not hold the client for ever."""
    page = {"rows": [], "bookmark": "x"}
    relay.answers[f"GET /v1/wallets/{WALLET}/statement"] = (200, page)
    relay.answers[f"GET /v1/wallets/{WALLET}/statement?bookmark=x"] = (200, page)
    with pytest.raises(GatewayGarbled, match="circle"):
        list(gateway.statement())


def test_a_session_is_watched_to_its_end(gateway: Gateway, relay: Relay) -> None:
    """Server-sent events come out as sessions; comments and other events are passed over."""
    stream = server_sent(
        session_members(SESSION, WALLET, energy=1),
        session_members(SESSION, WALLET, state="settled", activity="ended", energy=2, refund=1_000),
    )
    relay.answers[f"GET /v1/sessions/{SESSION}/events"] = (200, b"event: hello\ndata: {}\n\n" + stream)
    assert [(session.energy, session.over) for session in gateway.watch(SESSION)] == [(1, False), (2, True)]


def test_an_export_comes_line_by_line(gateway: Gateway, relay: Relay) -> None:
    """Each block is one line."""
    relay.answers["GET /v1/ledger/export?from=3"] = (200, b'{"n":3}\n{"n":4}\n')
    assert list(gateway.export(3)) == [b'{"n":3}', b'{"n":4}']


def test_an_export_that_breaks_off_is_not_complete(gateway: Gateway, relay: Relay) -> None:
    """Half a block at the end is an error, not a shorter ledger."""
    relay.answers["GET /v1/ledger/export?from=0"] = (200, b'{"n":0}\n{"n"')
    with pytest.raises(GatewayUnreachable, match="broke off"):
        list(gateway.export())


def test_a_wallets_question_needs_its_key(relay: Relay) -> None:
    """A client without a key does not send an unsigned query."""
    with pytest.raises(ValueError, match="key"):
        Gateway(ADDRESS, http=relay.client()).balance()
    assert relay.requests == []


def test_each_attempt_is_signed_anew(gateway: Gateway, relay: Relay) -> None:
    """A nonce is accepted once, so a repeated query carries another; the relay checks it."""
    relay.answers[f"GET /v1/wallets/{WALLET}"] = (
        200,
        {"wallet": WALLET, "key": WALLET, "issuer": "sol", "balance": 5, "escrow": 0},
    )
    relay.failures = 1
    assert gateway.balance().balance == 5
    assert len({request.headers["Authorization"] for request in relay.requests}) == 2


def test_a_redirect_is_not_followed(gateway: Gateway, relay: Relay) -> None:
    """A signed request does not wander to an address that its wallet does not know."""
    relay.answers[f"GET /v1/sessions/{SESSION}"] = (302, {"detail": "elsewhere"})
    with pytest.raises(GatewayRefused):
        gateway.session(SESSION)
    assert len(relay.requests) == 1


def test_the_id_is_of_the_body(gateway: Gateway) -> None:
    """What the client expects back is SHA-256 of what it signed."""
    intent = stop()
    assert intent.id == intent_id(intent.body)


def test_an_ordinary_client_is_made_where_none_is_given() -> None:
    """Outside of tests the client opens its own connections, and closes them."""
    with Gateway("http://127.0.0.1:9/") as gateway:
        assert gateway.address == "http://127.0.0.1:9"
        client: httpx.Client = gateway._http
    assert client.is_closed
