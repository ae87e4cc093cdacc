"""The chaincode server against a simulated peer: the protocol, its refusals and its ends."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import grpc
import pytest
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage as Message
from fabric_protos.peer.proposal_response_pb2 import Response

from chaincode.errors import NotFound
from chaincode.fabric import ChaincodeServer, Listener, SettingsError, Tls
from chaincode.stub import Stub, composite_key
from network.authority import Authority
from network.federation.crypto import certify
from tests import register
from tests.chaincode.fabric.peer import CHANNEL, SIGNER, SimulatedPeer
from tests.federation import free_ports

SUCCESS, REJECTED = 200, 500


def listener(package: str = "one:hash", namespace: str = "one") -> Listener:
    """A listener on a free port of this machine."""
    return Listener(package, namespace, f"127.0.0.1:{free_ports(1)}")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The port of a server of the tests' register."""
    server, served = ChaincodeServer(register.dispatch), listener()
    await server.serve([served])
    yield server.port(served)
    await server.stop(grace=0.1)


async def test_registers_the_package_of_its_port() -> None:
    """Each port answers for its own package, so that one process serves many."""
    server, both = ChaincodeServer(register.dispatch), (listener("x:1", "x"), listener("y:2", "y"))
    await server.serve(both)
    for served in both:
        async with SimulatedPeer(server.port(served), namespace=served.namespace) as peer:
            assert peer.registered == served.package
    await server.stop(grace=0.1)


@pytest.mark.parametrize(("batches", "multiple"), [(0, 0), (3, 2), (1000, 1000)])
async def test_reads_and_writes_whatever_the_peer_offers(port: int, batches: int, multiple: int) -> None:
    """The same results with batches of any size and without; batches need fewer messages."""
    async with SimulatedPeer(port, batches=batches, multiple=multiple) as peer:
        pairs = [part for number in range(7) for part in (f"k{number}", str(number))]
        written = await peer.run("put", *pairs)
        assert written.writes == {f"k{number}": str(number).encode() for number in range(7)}
        assert len(written.asked) == (-(-7 // batches) if batches else 7)
        await peer.run("delete", "k3")
        read = await peer.run("get_many", *(f"k{number}" for number in range(7)))
        assert json.loads(read.response.payload) == ["0", "1", "2", None, "4", "5", "6"]
        assert len(read.asked) == (-(-7 // multiple) if multiple else 7)


@pytest.mark.parametrize("multiple", [0, 1000])
async def test_a_key_is_asked_for_once(port: int, multiple: int) -> None:
    """What a transaction has read it keeps: the peer would say the same again, a round trip later."""
    async with SimulatedPeer(port, multiple=multiple) as peer:
        await peer.run("put", "a", "1")
        read = await peer.run("get_many", "a", "none", "a", "none")
        assert json.loads(read.response.payload) == ["1", None, "1", None]
        assert len(read.asked) == (1 if multiple else 2)


async def test_ranges_come_in_parts(port: int) -> None:
    """All parts of a range are fetched in order; one that is left early is closed."""
    async with SimulatedPeer(port) as peer:
        await peer.run("put", *(part for number in range(5) for part in (f"kind/{number}", str(number))))
        listed = await peer.run("list", "kind")
        expected = [[composite_key("kind", str(number)), str(number)] for number in range(5)]
        assert json.loads(listed.response.payload) == expected
        first = await peer.run("first", "kind")
        assert json.loads(first.response.payload) == "0"
        page = await peer.run("page", "kind", "2", "")
        assert json.loads(page.response.payload) == [["0", "1"], composite_key("kind", "2")]


async def test_the_stub_says_what_the_proposal_says(port: int) -> None:
    """Channel, id, time to the millisecond, creator and the chaincode that was called first."""
    async with SimulatedPeer(port) as peer:
        transaction_id = await peer.start("context")
        said = json.loads((await peer.finish(transaction_id)).response.payload)
    assert said == {
        "channel": CHANNEL,
        "transaction_id": transaction_id,
        "timestamp": 1_500_000_000_123,
        "msp_id": SIGNER.msp_id,
        "certificate": SIGNER.certificate.decode(),
        "called": "one",
    }


async def test_a_rejection_writes_nothing_and_says_why(port: int) -> None:
    """A transaction that writes and then rejects has sent no write; the message decodes to the error."""
    async with SimulatedPeer(port) as peer:
        outcome = await peer.run("put_and_reject", "key")
    assert outcome.asked == []
    assert outcome.response.status == REJECTED
    assert json.loads(outcome.response.message) == {
        "code": "state-conflict",
        "field": "key",
        "rule": "it is never allowed",
    }


async def test_a_peers_error_is_raised_and_not_a_value(port: int) -> None:
    """Where the peer answers a read or a write with an error, the transaction fails with the peer's words."""
    async with SimulatedPeer(port) as peer:
        peer.fail_on = Message.GET_STATE
        outcome = await peer.run("get", "key")
        assert (outcome.response.status, outcome.response.message) == (REJECTED, "peer: the peer refuses")
        peer.fail_on = Message.PUT_STATE
        outcome = await peer.run("put", "key", "value")
        assert (outcome.response.status, outcome.writes) == (REJECTED, {})


async def test_an_unexpected_error_shows_no_values(port: int, caplog: pytest.LogCaptureFixture) -> None:
    """Log and answer name the error's kind and place; its own words may hold a value."""
    with caplog.at_level(logging.DEBUG, "chaincode.fabric"):
        async with SimulatedPeer(port) as peer:
            outcome = await peer.run("break", "secret")
    assert outcome.response.message == "the chaincode broke: RuntimeError"
    assert "register.py" in caplog.text
    assert "secret" not in caplog.text


async def test_one_event_a_transaction(port: int) -> None:
    """An event goes with the answer; a second one fails the transaction."""
    async with SimulatedPeer(port) as peer:
        assert (await peer.run("announce", "name", "payload")).event == ("name", b"payload")
        twice = await peer.run("announce", "name", "payload", "again")
        assert (twice.response.status, twice.event, twice.writes) == (REJECTED, None, {})


async def test_nested_answers_and_their_failures(port: int) -> None:
    """A called chaincode's result is returned, its rejection raised as such, its breakdown as an error."""
    async with SimulatedPeer(port) as peer:
        peer.called["two"] = (Message.COMPLETED, _response(SUCCESS, payload=b'"done"'))
        assert json.loads((await peer.run("call", "two", "get")).response.payload) == "done"
        rejection = NotFound("unit", "does not exist").encode()
        peer.called["two"] = (Message.COMPLETED, _response(REJECTED, message=rejection))
        assert (await peer.run("call", "two", "get")).response.message == rejection
        peer.called["two"] = (Message.COMPLETED, _response(REJECTED, message="odd"))
        assert (await peer.run("call", "two", "get")).response.message == "peer: two: odd"
        peer.called["two"] = (Message.ERROR, b"it timed out")
        assert (await peer.run("call", "two", "get")).response.message == "peer: it timed out"


def _response(status: int, *, message: str = "", payload: bytes = b"") -> bytes:
    return bytes(Response(status=status, message=message, payload=payload).SerializeToString())


async def test_one_request_at_a_time_a_transaction() -> None:
    """Rules that ask for many things at once still send one request after the other."""

    async def dispatch(stub: Stub, _function: str, _arguments: Sequence[bytes]) -> bytes:
        values = await asyncio.gather(*(stub.get(f"k{number}") for number in range(20)))
        return json.dumps([value is None for value in values]).encode()

    server, served = ChaincodeServer(dispatch), listener()
    await server.serve([served])
    async with SimulatedPeer(server.port(served)) as peer:
        outcomes = await asyncio.gather(*(peer.run("many") for _ in range(10)))
        assert all(json.loads(outcome.response.payload) == [True] * 20 for outcome in outcomes)
        assert not peer.overlapped
    await server.stop(grace=0.1)


async def test_two_hundred_transactions_at_once(port: int) -> None:
    """Transactions on one stream do not mix."""
    async with SimulatedPeer(port, batches=1000, multiple=1000) as peer:
        await asyncio.gather(*(peer.run("put", f"k{number}", str(number)) for number in range(200)))
        outcomes = await asyncio.gather(*(peer.run("get", f"k{number}") for number in range(200)))
    expected = [str(number) for number in range(200)]
    assert [json.loads(outcome.response.payload) for outcome in outcomes] == expected


async def test_initialisation_is_refused(port: int) -> None:
    """What this server does not do is answered with a sentence, not with silence."""
    async with SimulatedPeer(port) as peer:
        outcome = await peer.finish(await peer.start("put", "k", "v", kind=Message.INIT))
        assert "no initialisation" in outcome.response.message


async def test_keepalive_messages_are_taken(port: int) -> None:
    """A peer that keeps the stream alive is served as before."""
    async with SimulatedPeer(port) as peer:
        await peer.keep_alive()
        assert (await peer.run("get", "k")).response.status == SUCCESS


async def test_a_peer_that_vanishes_and_comes_back(port: int) -> None:
    """A stream that breaks in the middle of a transaction takes nothing else with it."""
    async with SimulatedPeer(port) as peer:
        peer.silent_on = Message.GET_STATE
        await peer.start("get", "k")
    async with SimulatedPeer(port) as peer:
        assert (await peer.run("get", "k")).response.status == SUCCESS


async def test_a_stop_lets_transactions_finish() -> None:
    """What is under way is answered, then the stream ends."""
    started, release = asyncio.Event(), asyncio.Event()

    async def dispatch(_stub: Stub, _function: str, _arguments: Sequence[bytes]) -> bytes:
        started.set()
        await release.wait()
        return b"done"

    server, served = ChaincodeServer(dispatch), listener()
    await server.serve([served])
    async with SimulatedPeer(server.port(served)) as peer:
        transaction_id = await peer.start("wait")
        await asyncio.wait_for(started.wait(), 10)
        stopping = asyncio.create_task(server.stop(grace=10))
        await asyncio.sleep(0)
        release.set()
        assert (await peer.finish(transaction_id)).response.payload == b"done"
        await peer.ended()
        await stopping


async def test_packages_come_and_go() -> None:
    """Serving another list starts what is new, keeps what stays, stops what is gone."""
    server, kept, gone = ChaincodeServer(register.dispatch), listener("k:1"), listener("g:1")
    await server.serve([kept, gone])
    async with SimulatedPeer(server.port(kept)) as peer:
        new = listener("n:1")
        await server.serve([kept, new])
        assert (await peer.run("get", "k")).response.status == SUCCESS
        async with SimulatedPeer(server.port(new)) as other:
            assert other.registered == "n:1"
        with pytest.raises(grpc.aio.AioRpcError):
            async with SimulatedPeer(int(gone.address.rpartition(":")[2])):
                pass
    await server.stop(grace=0.1)


async def test_a_taken_address_is_named() -> None:
    """The error says which address cannot be listened on."""
    first, second, served = ChaincodeServer(register.dispatch), ChaincodeServer(register.dispatch), listener()
    await first.serve([served])
    with pytest.raises(SettingsError, match=served.address):
        await second.serve([served])
    await first.stop(grace=0.1)


async def test_only_the_authoritys_clients_may_connect(tmp_path: Path) -> None:
    """With TLS, a peer needs a certificate of the client authority; without one the handshake fails."""
    for name in ("ours", "theirs"):
        Authority.create(name).save(tmp_path / name)
    certificate, key = certify(tmp_path / "ours", "server", hosts=["localhost"])
    (tmp_path / "server.pem").write_bytes(certificate)
    (tmp_path / "server.key").write_bytes(key)
    authority = tmp_path / "ours/root.pem"
    server, served = (
        ChaincodeServer(register.dispatch, Tls(tmp_path / "server.pem", tmp_path / "server.key", authority)),
        listener(),
    )
    await server.serve([served])
    for name in ("ours", "theirs"):
        client, client_key = certify(tmp_path / name, "peer", hosts=["peer"])
        credentials = grpc.ssl_channel_credentials(authority.read_bytes(), client_key, client)
        peer = SimulatedPeer(server.port(served), credentials=credentials)
        if name == "ours":
            async with peer:
                assert (await peer.run("get", "k")).response.status == SUCCESS
        else:
            with pytest.raises(grpc.aio.AioRpcError):
                async with peer:
                    pass
            await peer.channel.close(grace=None)
    await server.stop(grace=0.1)
