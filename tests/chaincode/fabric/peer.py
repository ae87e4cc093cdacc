"""The peer's side of Fabric's chaincode protocol, small enough to misbehave on demand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import grpc
from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2, chaincode_shim_pb2_grpc
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage as Message
from fabric_protos.peer.proposal_response_pb2 import Response

from network.authority import Authority
from network.fabric.proposal import propose

CHANNEL = "testing"
PART = 2
"""How many results of a query go into one message."""
SIGNER = Authority.create("a").issue("gateway", "gateway")


@dataclass
class Outcome:
    """How the chaincode answered one transaction, and what it asked for on the way."""

    response: Any
    event: tuple[str, bytes] | None
    asked: list[int] = field(default_factory=list)
    writes: dict[str, bytes | None] = field(default_factory=dict)


class SimulatedPeer:
    """Connects to a chaincode server and runs transactions on a state of its own."""

    def __init__(
        self,
        port: int,
        *,
        namespace: str = "one",
        batches: int = 0,
        multiple: int = 0,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        address = f"localhost:{port}"
        self.channel = (
            grpc.aio.insecure_channel(address)
            if credentials is None
            else grpc.aio.secure_channel(address, credentials)
        )
        self.namespace = namespace
        self.state: dict[str, bytes] = {}
        self.called: dict[str, tuple[int, Any]] = {}
        """What a nested call answers: message type and payload by namespace."""
        self.fail_on: int | None = None
        """A request type that is answered with an error."""
        self.silent_on: int | None = None
        """A request type that is never answered."""
        self.registered = ""
        self.overlapped = False
        """Whether the chaincode ever sent a second request before the first was answered."""
        self._offer = chaincode_pb2.ChaincodeAdditionalParams(
            use_write_batch=batches > 0,
            max_size_write_batch=batches,
            use_get_multiple_keys=multiple > 0,
            max_size_get_multiple_keys=multiple,
        )
        self._outcomes: dict[str, Outcome] = {}
        self._finished: dict[str, asyncio.Future[Outcome]] = {}
        self._queries: dict[str, list[bytes]] = {}
        self._pending: set[str] = set()
        self._writing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._stream = chaincode_shim_pb2_grpc.ChaincodeStub(self.channel).Connect()
        first = await asyncio.wait_for(self._stream.read(), 10)
        assert first.type == Message.REGISTER
        self.registered = chaincode_pb2.ChaincodeID.FromString(first.payload).name
        await self._stream.write(Message(type=Message.REGISTERED))
        await self._stream.write(Message(type=Message.READY, payload=self._offer.SerializeToString()))
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.cancel()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self.channel.close(grace=None)

    async def start(self, function: str, *arguments: str, kind: int = Message.TRANSACTION) -> str:
        """Send a transaction and return its id."""
        parts = [part.encode() for part in (function, *arguments)]
        proposal = propose(SIGNER, CHANNEL, self.namespace, parts, 1_500_000_000_123)
        self._outcomes[proposal.transaction_id] = Outcome(None, None)
        self._finished[proposal.transaction_id] = asyncio.get_running_loop().create_future()
        message = Message(
            type=kind,
            txid=proposal.transaction_id,
            channel_id=CHANNEL,
            payload=chaincode_pb2.ChaincodeInput(args=parts).SerializeToString(),
            proposal=proposal.signed(),
        )
        await self._send(message)
        return proposal.transaction_id

    async def finish(self, transaction_id: str) -> Outcome:
        """Wait for the chaincode's answer."""
        return await asyncio.wait_for(self._finished[transaction_id], 10)

    async def run(self, function: str, *arguments: str) -> Outcome:
        """A transaction from start to end; its writes are committed where it succeeds."""
        outcome = await self.finish(await self.start(function, *arguments))
        for key, value in outcome.writes.items():
            if value is None:
                self.state.pop(key, None)
            else:
                self.state[key] = value
        return outcome

    async def ended(self) -> None:
        """Wait until the server has ended the stream."""
        await asyncio.wait_for(asyncio.shield(self._reader), 10)

    async def keep_alive(self) -> None:
        """Send a keepalive message, as peers that are told to do."""
        await self._send(Message(type=Message.KEEPALIVE))

    async def _send(self, message: Any) -> None:
        async with self._writing:
            await self._stream.write(message)

    async def _read(self) -> None:
        while (message := await self._stream.read()) is not grpc.aio.EOF:  # type: ignore[attr-defined]  # absent from the stubs
            if message.type == Message.KEEPALIVE:
                continue
            outcome = self._outcomes[message.txid]
            if message.type in (Message.COMPLETED, Message.ERROR):
                outcome.response = Response.FromString(message.payload)
                event = message.chaincode_event
                outcome.event = (event.event_name, event.payload) if event.event_name else None
                self._finished[message.txid].set_result(outcome)
                continue
            outcome.asked.append(message.type)
            self.overlapped |= message.txid in self._pending
            self._pending.add(message.txid)
            if message.type == self.silent_on:
                continue
            kind, payload = self._answer(message, outcome)
            await asyncio.sleep(0)  # let a second request overtake, if the chaincode sends one
            self._pending.discard(message.txid)
            answer = Message(type=kind, txid=message.txid, channel_id=CHANNEL, payload=payload)
            await self._send(answer)

    def _answer(self, message: Any, outcome: Outcome) -> tuple[int, bytes]:
        if message.type == self.fail_on:
            return Message.ERROR, b"the peer refuses"
        handler = {
            Message.GET_STATE: self._get,
            Message.GET_STATE_MULTIPLE: self._get_multiple,
            Message.PUT_STATE: self._put,
            Message.DEL_STATE: self._delete,
            Message.WRITE_BATCH_STATE: self._write_batch,
            Message.GET_STATE_BY_RANGE: self._range,
            Message.QUERY_STATE_NEXT: self._next,
            Message.QUERY_STATE_CLOSE: self._close,
            Message.INVOKE_CHAINCODE: self._invoke,
        }[message.type]
        return Message.RESPONSE, handler(message.payload, outcome)

    def _get(self, payload: bytes, _outcome: Outcome) -> bytes:
        return self.state.get(chaincode_shim_pb2.GetState.FromString(payload).key, b"")

    def _get_multiple(self, payload: bytes, _outcome: Outcome) -> bytes:
        keys = chaincode_shim_pb2.GetStateMultiple.FromString(payload).keys
        assert len(keys) <= self._offer.max_size_get_multiple_keys
        values = [self.state.get(key, b"") for key in keys]
        return bytes(chaincode_shim_pb2.GetStateMultipleResult(values=values).SerializeToString())

    def _put(self, payload: bytes, outcome: Outcome) -> bytes:
        write = chaincode_shim_pb2.PutState.FromString(payload)
        outcome.writes[write.key] = write.value
        return b""

    def _delete(self, payload: bytes, outcome: Outcome) -> bytes:
        outcome.writes[chaincode_shim_pb2.DelState.FromString(payload).key] = None
        return b""

    def _write_batch(self, payload: bytes, outcome: Outcome) -> bytes:
        records = chaincode_shim_pb2.WriteBatchState.FromString(payload).rec
        assert len(records) <= self._offer.max_size_write_batch
        for record in records:
            deleted = record.type == chaincode_shim_pb2.WriteRecord.DEL_STATE
            outcome.writes[record.key] = None if deleted else record.value
        return b""

    def _range(self, payload: bytes, _outcome: Outcome) -> bytes:
        query = chaincode_shim_pb2.GetStateByRange.FromString(payload)
        metadata = chaincode_shim_pb2.QueryMetadata.FromString(query.metadata)
        start = metadata.bookmark or query.startKey
        keys = sorted(key for key in self.state if start <= key < query.endKey)
        found = [kv_query_result_pb2.KV(key=key, value=self.state[key]).SerializeToString() for key in keys]
        if metadata.pageSize:
            following = keys[metadata.pageSize] if len(keys) > metadata.pageSize else ""
            return self._part("", found[: metadata.pageSize], bookmark=following)
        self._queries["q"] = found[PART:]
        return self._part("q", found[:PART])

    def _next(self, _payload: bytes, _outcome: Outcome) -> bytes:
        rest = self._queries["q"]
        self._queries["q"] = rest[PART:]
        return self._part("q", rest[:PART])

    def _close(self, payload: bytes, _outcome: Outcome) -> bytes:
        self._queries.pop(chaincode_shim_pb2.QueryStateClose.FromString(payload).id)
        return b""

    def _part(self, name: str, results: list[bytes], bookmark: str = "") -> bytes:
        metadata = chaincode_shim_pb2.QueryResponseMetadata(
            fetched_records_count=len(results), bookmark=bookmark
        )
        response = chaincode_shim_pb2.QueryResponse(
            results=[chaincode_shim_pb2.QueryResultBytes(resultBytes=result) for result in results],
            has_more=bool(self._queries.get(name)),
            id=name,
            metadata=metadata.SerializeToString(),
        )
        return bytes(response.SerializeToString())

    def _invoke(self, payload: bytes, _outcome: Outcome) -> bytes:
        name = chaincode_pb2.ChaincodeSpec.FromString(payload).chaincode_id.name
        kind, answer = self.called[name]
        return bytes(Message(type=kind, payload=answer).SerializeToString())
