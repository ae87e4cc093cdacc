"""One transaction's view of the ledger, asked from the peer.

Writes are held back until the chaincode has returned, and then go to the peer in as few messages as it
takes. So a transaction that raises has written nothing, also where another chaincode called it and goes
on; and reads cannot see the transaction's own writes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice

from fabric_protos.ledger.queryresult import kv_query_result_pb2
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage as Message
from fabric_protos.peer.proposal_response_pb2 import Response

from chaincode.errors import decode_error
from chaincode.fabric.exchange import Exchange, PeerError
from chaincode.fabric.proposal import Proposal
from chaincode.stub import LAST_CODE_POINT, Creator, Entry, KeyModification, Page, Stub

ERROR_THRESHOLD = 400
"""A chaincode's answer with this status or a higher one is a rejection."""

_Write = tuple[str, bytes | None]


class FabricStub(Stub):
    """`chaincode.stub.Stub` over a conversation with a Fabric peer."""

    def __init__(self, exchange: Exchange, proposal: Proposal) -> None:
        self._exchange = exchange
        self._proposal = proposal
        self._read: dict[str, bytes | None] = {}
        self._writes: dict[str, bytes | None] = {}
        self._event: tuple[str, bytes] | None = None

    @property
    def channel(self) -> str:
        """The channel's name."""
        return self._proposal.channel

    @property
    def transaction_id(self) -> str:
        """The transaction's id, hexadecimal."""
        return self._proposal.transaction_id

    @property
    def timestamp(self) -> int:
        """The proposal's timestamp, milliseconds since 1970."""
        return self._proposal.timestamp

    @property
    def creator(self) -> Creator:
        """The identity that signed the proposal."""
        return self._proposal.creator

    @property
    def called(self) -> str:
        """The chaincode name that the signed proposal names."""
        return self._proposal.called

    @property
    def event(self) -> tuple[str, bytes] | None:
        """The event that the chaincode set."""
        return self._event

    async def get(self, key: str) -> bytes | None:
        """The committed value of `key`, None where there is none; the peer is asked for each key once."""
        if key not in self._read:
            request = chaincode_shim_pb2.GetState(key=_checked(key))
            value = await self._exchange.ask(Message.GET_STATE, request.SerializeToString())
            self._read[key] = value or None
        return self._read[key]

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """The committed values of `keys`, in their order, in one request where the peer offers that."""
        unknown = [_checked(key) for key in dict.fromkeys(keys) if key not in self._read]
        size = self._exchange.offer.keys_in_a_read
        if size == 0 or len(unknown) == 1:
            return [await self.get(key) for key in keys]
        for start in range(0, len(unknown), size):
            part = unknown[start : start + size]
            request = chaincode_shim_pb2.GetStateMultiple(keys=part)
            answer = await self._exchange.ask(Message.GET_STATE_MULTIPLE, request.SerializeToString())
            found = chaincode_shim_pb2.GetStateMultipleResult.FromString(answer).values
            if len(found) != len(part):
                raise PeerError(f"the peer answered {len(found)} values for {len(part)} keys")
            self._read.update((key, value or None) for key, value in zip(part, found, strict=True))
        return [self._read[key] for key in keys]

    async def put(self, key: str, value: bytes) -> None:
        """Write `value` at `key` when the transaction commits. Raises ValueError where it is empty."""
        if not value:
            raise ValueError("an empty value cannot be told from none; delete the key instead")
        self._writes[_checked(key)] = bytes(value)

    async def delete(self, key: str) -> None:
        """Remove `key` when the transaction commits."""
        self._writes[_checked(key)] = None

    async def range(self, prefix: str) -> AsyncIterator[Entry]:
        """Every entry whose key begins with the composite `prefix`, in key order."""
        request = chaincode_shim_pb2.GetStateByRange(startKey=prefix, endKey=prefix + LAST_CODE_POINT)
        async for result in self._query(Message.GET_STATE_BY_RANGE, request.SerializeToString()):
            entry = kv_query_result_pb2.KV.FromString(result)
            yield Entry(entry.key, entry.value)

    async def page(self, prefix: str, size: int, bookmark: str = "") -> Page:
        """At most `size` entries of a range; for evaluated transactions alone."""
        if size < 1:
            raise ValueError("a page holds one entry or more")
        metadata = chaincode_shim_pb2.QueryMetadata(pageSize=size, bookmark=bookmark)
        request = chaincode_shim_pb2.GetStateByRange(
            startKey=prefix, endKey=prefix + LAST_CODE_POINT, metadata=metadata.SerializeToString()
        )
        answer = await self._exchange.ask(Message.GET_STATE_BY_RANGE, request.SerializeToString())
        response = chaincode_shim_pb2.QueryResponse.FromString(answer)
        found = [kv_query_result_pb2.KV.FromString(result.resultBytes) for result in response.results]
        next_page = chaincode_shim_pb2.QueryResponseMetadata.FromString(response.metadata).bookmark
        return Page(tuple(Entry(entry.key, entry.value) for entry in found), next_page)

    async def history(self, key: str) -> AsyncIterator[KeyModification]:
        """All committed values of `key`, newest first; for evaluated transactions."""
        request = chaincode_shim_pb2.GetHistoryForKey(key=_checked(key))
        async for result in self._query(Message.GET_HISTORY_FOR_KEY, request.SerializeToString()):
            past = kv_query_result_pb2.KeyModification.FromString(result)
            yield KeyModification(
                transaction_id=past.tx_id,
                timestamp=past.timestamp.seconds * 1000 + past.timestamp.nanos // 1_000_000,
                value=None if past.is_delete else past.value,
            )

    def set_event(self, name: str, payload: bytes) -> None:
        """Publish an event; the peer drops that of a chaincode which another one called.

        Raises ValueError for a second one."""
        if not name:
            raise ValueError("an event needs a name")
        if self._event is not None:
            raise ValueError("a transaction sets at most one event")
        self._event = (name, bytes(payload))

    async def invoke(self, namespace: str, function: str, arguments: Sequence[bytes]) -> bytes:
        """Call another chaincode on the same channel, within this transaction."""
        request = chaincode_pb2.ChaincodeSpec(
            chaincode_id=chaincode_pb2.ChaincodeID(name=namespace),
            input=chaincode_pb2.ChaincodeInput(args=[function.encode(), *arguments]),
        )
        payload = await self._exchange.ask(Message.INVOKE_CHAINCODE, request.SerializeToString())
        answer = Message.FromString(payload)
        if answer.type != Message.COMPLETED:
            raise PeerError(answer.payload.decode("utf-8", "replace"))
        response = Response.FromString(answer.payload)
        if response.status >= ERROR_THRESHOLD:
            raise decode_error(response.message) or PeerError(f"{namespace}: {response.message}")
        return bytes(response.payload)

    async def flush(self) -> None:
        """Hand the writes to the peer, in batches where it takes them."""
        size = self._exchange.offer.writes_in_a_batch
        if size == 0:
            for write in self._writes.items():
                await self._write_one(write)
            return
        writes = iter(self._writes.items())
        while part := tuple(islice(writes, size)):
            batch = chaincode_shim_pb2.WriteBatchState(rec=_records(part))
            await self._exchange.ask(Message.WRITE_BATCH_STATE, batch.SerializeToString())

    async def _write_one(self, write: _Write) -> None:
        key, value = write
        if value is None:
            deletion = chaincode_shim_pb2.DelState(key=key)
            await self._exchange.ask(Message.DEL_STATE, deletion.SerializeToString())
        else:
            addition = chaincode_shim_pb2.PutState(key=key, value=value)
            await self._exchange.ask(Message.PUT_STATE, addition.SerializeToString())

    async def _query(self, kind: int, request: bytes) -> AsyncIterator[bytes]:
        """Every result of a query that the peer answers in parts; closed early if its reader stops."""
        answer = await self._exchange.ask(kind, request)
        response = chaincode_shim_pb2.QueryResponse.FromString(answer)
        try:
            while True:
                for result in response.results:
                    yield result.resultBytes
                if not response.has_more:
                    return
                following = chaincode_shim_pb2.QueryStateNext(id=response.id)
                answer = await self._exchange.ask(Message.QUERY_STATE_NEXT, following.SerializeToString())
                response = chaincode_shim_pb2.QueryResponse.FromString(answer)
        finally:
            # The peer closes what is left open once the transaction has been answered.
            if response.has_more and not self._exchange.ended:
                closing = chaincode_shim_pb2.QueryStateClose(id=response.id)
                await self._exchange.ask(Message.QUERY_STATE_CLOSE, closing.SerializeToString())


def _checked(key: str) -> str:
    if not key:
        raise ValueError("a key may not be empty")
    return key


def _records(writes: Sequence[_Write]) -> Iterator[chaincode_shim_pb2.WriteRecord]:
    record = chaincode_shim_pb2.WriteRecord
    for key, value in writes:
        if value is None:
            yield record(type=record.DEL_STATE, key=key)
        else:
            yield record(type=record.PUT_STATE, key=key, value=value)
