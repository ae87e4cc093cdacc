"""A signed query is good for one request, one network and one body."""

from __future__ import annotations

import hashlib
from typing import TypedDict

import pytest
from nacl.signing import SigningKey

from chaincode.errors import InvalidArgument
from chaincode.signing.query import QueryAuthorization, parse_authorization, sign_query

KEY = SigningKey(bytes(range(32)))
SECRET = bytes(KEY) + bytes(KEY.verify_key)
PUBLIC = bytes(KEY.verify_key)


class Request(TypedDict):
    """The parts of a request that are signed."""

    method: str
    target: str
    network: str
    body: bytes


REQUEST = Request(
    method="POST", target="/v1/wallets/ab/purchases?x=1", network="aurora", body=b'{"amount":5}'
)


def signed() -> QueryAuthorization:
    """`REQUEST`, signed."""
    return sign_query(SECRET, wallet=PUBLIC, time=1_800_000_000, nonce=bytes(16), **REQUEST)


def test_the_signing_input_is_as_documented() -> None:
    """The bytes under the signature are the protocol's, spelt out here by hand."""
    digest = hashlib.sha256(REQUEST["body"]).hexdigest()
    message = (
        "condocharge/query/1\nPOST\n/v1/wallets/ab/purchases?x=1\naurora\n1800000000\n"
        + "0" * 32
        + "\n"
        + digest
    )
    assert signed().signature == KEY.sign(message.encode()).signature


def test_the_header_survives_the_way() -> None:
    """What one side encodes the other parses and verifies."""
    received = parse_authorization(signed().encode())
    assert received == signed()
    assert received.signed_by(PUBLIC, **REQUEST)


@pytest.mark.parametrize(
    "changed",
    [
        {**REQUEST, "method": "GET"},
        {**REQUEST, "target": "/v1/wallets/ab/purchases?x=2"},
        {**REQUEST, "network": "other"},
        {**REQUEST, "body": b'{"amount":6}'},
    ],
)
def test_a_signature_is_for_one_request(changed: Request) -> None:
    """Another method, target, network or body is not what was signed."""
    assert not signed().signed_by(PUBLIC, **changed)


def test_another_time_nonce_or_key_does_not_verify() -> None:
    """What protects from replay is signed too."""
    good = signed()
    assert not QueryAuthorization(good.wallet, good.time + 1, good.nonce, good.signature).signed_by(
        PUBLIC, **REQUEST
    )
    assert not QueryAuthorization(good.wallet, good.time, b"1" * 16, good.signature).signed_by(
        PUBLIC, **REQUEST
    )
    assert not good.signed_by(bytes(SigningKey(b"2" * 32).verify_key), **REQUEST)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer x",
        signed().encode().upper(),
        signed().encode() + " ",
        signed().encode().replace('time="1800000000"', 'time="-1"'),
        signed().encode().replace("nonce", "once"),
    ],
)
def test_another_form_is_refused(header: str) -> None:
    """There is one spelling of the header."""
    with pytest.raises(InvalidArgument, match="authorization breaks the rule: has the form"):
        parse_authorization(header)
