"""Messages generated from the protocol's descriptors: no call breaks the gateway or changes anything."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chaincode.signing import domain
from chaincode.signing.intent import (
    MandateIntent,
    OpenIntent,
    ReclaimIntent,
    RedeemIntent,
    RevokeIntent,
    RotateKeyIntent,
    StopIntent,
    TransferIntent,
)
from gateway.proto.condocharge.v1 import audit_pb2, units_pb2, wallets_pb2
from tests.gateway.furnished import fingerprint, furnished
from tests.gateway.grpc.machines import Purse
from tests.gateway.grpc.wire import DEEP, messages

pytestmark = pytest.mark.slow
METHODS: list[MethodDescriptor] = [
    method
    for module in (audit_pb2, units_pb2, wallets_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
ENDLESS = {"Events"}
"""What is asked rightly is answered for as long as the caller listens."""
BLAMELESS = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE}
"""Statuses by which a gateway says that the caller is not to blame."""
STRANGER = Purse("stranger")
EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
_COMMON: dict[str, Any] = {"network": "condocharge", "wallet": STRANGER.id, "nonce": "00" * 16, "expires": 0}
_ID = "ab" * 32
_CAPS: dict[str, Any] = {
    "session_cap": 300,
    "period_cap": 500,
    "period": 86_400,
    "until": 2**40,
    "price_limit": 10**6,
}
INTENTS = [
    OpenIntent(
        **_COMMON, condominium="riverside", unit=7, tariff=1, issuer="riverside", amount=1, duration=600
    ),
    StopIntent(**_COMMON, session=_ID),
    ReclaimIntent(**_COMMON, session=_ID),
    TransferIntent(**_COMMON, issuer="riverside", to=_ID, amount=1),
    RedeemIntent(**_COMMON, issuer="riverside", amount=1),
    MandateIntent(
        **_COMMON, issuer="riverside", condominium="riverside", units=(7,), tags=(), duration=600, **_CAPS
    ),
    RevokeIntent(**_COMMON, issuer="riverside", mandate=_ID),
    RotateKeyIntent(**_COMMON, issuer="riverside", key=_ID),
]
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        2**53,
        10**400,
        1.5,
        "",
        "\x00",
        "\ud800",
        "x" * 3_000,
        "Á",
        [],
        [[]],
        {},
        {"": 0},
        [None],
    ]
)


@st.composite
def intents(draw: st.DrawFn) -> bytes:
    """An intent that a stranger signed, one of its members changed, left out or made up."""
    members = json.loads(draw(st.sampled_from(INTENTS)).encode())
    members |= {"nonce": secrets.token_hex(16), "expires": int(time.time()) + 600}
    name = draw(st.sampled_from([*sorted(members), "unknown"]))
    if draw(st.booleans()):
        members[name] = draw(ODD)
    else:
        members.pop(name, None)
    body = json.dumps(members).encode()
    if draw(st.integers(0, 9)) == 0:
        body = body.replace(b"{", b'{"deep":' + b"[" * DEEP, 1)[:4_096]
    signature = domain.sign(STRANGER.secret, domain.INTENT, body)
    proof = draw(st.none() | st.just(signature) | st.binary(max_size=64))
    return wallets_pb2.SubmitRequest(body=body, signature=signature, proof=proof).SerializeToString()


@st.composite
def queries(draw: st.DrawFn, call: str) -> bytes:
    """A query that a stranger signed, with whatever content."""
    content = draw(messages(wallets_pb2.PageQuery.DESCRIPTOR))
    return STRANGER.ask(call, content, time=int(time.time())).SerializeToString()


def bodies(method: MethodDescriptor) -> st.SearchStrategy[bytes]:
    """What is sent to a call."""
    made = messages(method.input_type)
    if method.name == "Submit":
        return made | intents()
    return made | queries(method.name) if method.input_type is wallets_pb2.SignedQuery.DESCRIPTOR else made


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the gateway keeps its files."""
    return tmp_path_factory.mktemp("grpc")


@pytest.fixture(scope="module")
def channel(directory: Path) -> Iterator[grpc.Channel]:
    """A channel to a gateway with a unit and a tariff."""
    with furnished(directory) as process, grpc.insecure_channel(process.machines) as opened:
        yield opened


def _status(channel: grpc.Channel, method: MethodDescriptor, sent: list[bytes]) -> grpc.StatusCode:
    """The status that a call with these messages ends with."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    plain = {"request_serializer": None, "response_deserializer": None}
    try:
        if method.client_streaming:
            for _ in channel.stream_stream(path, **plain)(iter(sent)):
                pass
        elif method.server_streaming:
            stream = channel.unary_stream(path, **plain)(sent[0])
            stream.initial_metadata()
            if method.name in ENDLESS and stream.is_active():
                stream.cancel()  # type: ignore[no-untyped-call]
            for _ in stream:
                pass
        else:
            channel.unary_unary(path, **plain)(sent[0])
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK


@pytest.mark.parametrize("method", METHODS, ids=lambda each: each.full_name.removeprefix("condocharge.v1."))
def test_no_message_breaks_a_call_or_changes_anything(
    channel: grpc.Channel, directory: Path, method: MethodDescriptor
) -> None:
    """Fields of other types, out of range, missing, twice, oversized, nested: the caller is told so."""
    before = fingerprint(directory)
    said: Counter[grpc.StatusCode] = Counter()
    most = 3 if method.client_streaming else 1

    @EXAMPLES
    @given(st.lists(bodies(method), min_size=1, max_size=most))
    def attempt(sent: list[bytes]) -> None:
        status = _status(channel, method, sent)
        assert status not in BLAMELESS, (status, [each[:200] for each in sent])
        assert fingerprint(directory) == before, (status, [each[:200] for each in sent])
        said[status] += 1

    attempt()
    assert said.total() > 20
    assert grpc.StatusCode.INVALID_ARGUMENT in said
