"""When a transaction that was handed over is handed over again, and when not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2

from network.authority import Authority
from network.fabric import gateway
from network.fabric.gateway import Gateway, Timeouts
from network.fabric.peer import Connection, Peer
from network.ledger import CommitStatusError

SIGNER = Authority.create("aurora").issue("gateway", "gateway")
COMMIT = 20.0


def failed(code: grpc.StatusCode, details: str) -> grpc.aio.AioRpcError:
    """What a stub raises."""
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details, None)


class Answers:
    """A peer's Gateway service that gives these answers, the last one for ever; it says what it was asked."""

    def __init__(self, status: list[object], submit: list[object]) -> None:
        self._answers = {"status": status, "submit": submit}
        self.asked: list[tuple[str, float]] = []

    def _next(self, call: str, timeout: float) -> Any:
        self.asked.append((call, timeout))
        answers = self._answers[call]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def CommitStatus(self, _request: object, **options: float) -> Any:  # noqa: N802  the service's name
        """The next answer about a transaction."""
        return self._next("status", options["timeout"])

    async def Submit(self, _request: object, **options: float) -> Any:  # noqa: N802  the service's name
        """The next answer to a transaction."""
        return self._next("submit", options["timeout"])


async def submitted(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> int:
    """The block of a transaction that was endorsed, and whose other phases have these answers."""

    async def endorse(*_arguments: object) -> tuple[common_pb2.Envelope, bytes]:
        return common_pb2.Envelope(), b""

    client = Gateway(SIGNER, "channel", [Peer("127.0.0.1:1", b"")], timeouts=Timeouts(commit=COMMIT))
    await client.close()
    client.connections = (cast("Connection", SimpleNamespace(gateway=answers)),)
    monkeypatch.setattr(client, "endorse", endorse)
    return (await client.submit("namespace", [b"put"])).block


LATE = failed(grpc.StatusCode.DEADLINE_EXCEEDED, "deadline exceeded")
TAKEN = gateway_pb2.SubmitResponse()


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAUTHENTICATED]
)
async def test_a_refused_question_is_no_reason(
    code: grpc.StatusCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that says no at once is asked once, and the orderers hear of the transaction once."""
    found = gateway_pb2.CommitStatusResponse(block_number=7)
    answers = Answers([failed(code, "no access"), found], [TAKEN])
    with pytest.raises(CommitStatusError, match="no access"):
        await submitted(answers, monkeypatch)
    assert [call for call, _ in answers.asked] == ["submit", "status"]


async def test_what_no_block_has_is_handed_over_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """In no block in time: once more, for no longer than the whole wait has left."""
    answers = Answers([LATE, gateway_pb2.CommitStatusResponse(block_number=7)], [TAKEN])
    assert await submitted(answers, monkeypatch) == 7
    assert [call for call, _ in answers.asked] == ["submit", "status", "submit", "status"]
    assert answers.asked[1][1] <= gateway.REMINDER_SECONDS
    assert answers.asked[2][1] <= COMMIT


async def test_a_reminder_that_fails_leaves_the_outcome_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first copy may still commit, so it is not said that it was not handed over."""
    answers = Answers([LATE], [TAKEN, failed(grpc.StatusCode.PERMISSION_DENIED, "not a writer")])
    with pytest.raises(CommitStatusError, match="not a writer"):
        await submitted(answers, monkeypatch)
