"""`condocharge.v1.Audit`: the ledger, for auditors with machine clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc

from chaincode.errors import InvalidArgument
from gateway.grpc.status import abort, address_of
from gateway.proto.condocharge.v1 import audit_pb2, audit_pb2_grpc
from gateway.rest.places import Places
from gateway.transaction.ledger_routes import numbered, require_block
from gateway.transaction.receipt import proving
from network.ledger import Block, Ledger, Transaction

Context = grpc.aio.ServicerContext[Any, Any]

_MOST = 2**53 - 1


class AuditService(audit_pb2_grpc.AuditServicer):
    """The auditors' calls."""

    name = audit_pb2.DESCRIPTOR.services_by_name["Audit"].full_name

    def __init__(self, ledger: Ledger, *, streams: Places, exports: Places) -> None:
        """`streams` and `exports` are the places for calls that last."""
        self._ledger = ledger
        self._streams = streams
        self._exports = exports

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve these calls on `server`."""
        audit_pb2_grpc.add_AuditServicer_to_server(self, server)

    async def GetLedger(  # noqa: N802 - the protocol's name
        self, request: audit_pb2.GetLedgerRequest, context: Context
    ) -> audit_pb2.GetLedgerReply:
        """How far the ledger is."""
        try:
            height = await self._ledger.height()
            last = (await self._ledger.block(height - 1)).hash if height else b""
        except Exception as error:  # noqa: BLE001 - every error has its status
            await abort(context, error)
        return audit_pb2.GetLedgerReply(network=self._ledger.channel, height=height, hash=last)

    async def GetBlock(  # noqa: N802 - the protocol's name
        self, request: audit_pb2.GetBlockRequest, context: Context
    ) -> audit_pb2.Block:
        """One block."""
        try:
            number = _checked("number", request.number)
            await require_block(self._ledger, number)
            block = await self._ledger.block(number)
        except Exception as error:  # noqa: BLE001 - every error has its status
            await abort(context, error)
        return _block(block)

    async def Export(  # noqa: N802 - the protocol's name
        self, request: audit_pb2.ExportRequest, context: Context
    ) -> AsyncIterator[audit_pb2.ExportedBlock]:
        """Blocks up to the height of now, as an auditor verifies them."""
        try:
            start = _checked("start", request.start)
            exporting = proving(self._ledger)
            with self._exports.taken(address_of(context)):
                for number in range(start, await self._ledger.height()):
                    yield audit_pb2.ExportedBlock(line=await exporting.export(number))
        except Exception as error:  # noqa: BLE001 - every error has its status
            await abort(context, error)

    async def Events(  # noqa: N802 - the protocol's name
        self, request: audit_pb2.EventsRequest, context: Context
    ) -> AsyncIterator[audit_pb2.Event]:
        """The events there are and those that come."""
        try:
            place = await self._place(request)
            with self._streams.taken(address_of(context)):
                # A reader of what comes may wait long for it; this tells it that it will miss nothing.
                await context.send_initial_metadata(())
                async with aclosing(numbered(self._ledger, place)) as events:
                    async for index, event in events:
                        yield audit_pb2.Event(
                            block=event.block,
                            index=index,
                            transaction=event.transaction_id,
                            timestamp=event.timestamp,
                            namespace=event.namespace,
                            name=event.name,
                            payload=event.payload,
                        )
        except Exception as error:  # noqa: BLE001 - every error has its status
            await abort(context, error)

    async def _place(self, request: audit_pb2.EventsRequest) -> tuple[int, int]:
        """The block to begin with and the last event of it that was seen."""
        if request.HasField("seen") and not request.HasField("start"):
            raise InvalidArgument("seen", "comes with start, the block that it is in")
        seen = _checked("seen", request.seen) if request.HasField("seen") else -1
        if request.HasField("start"):
            return _checked("start", request.start), seen
        return await self._ledger.height(), seen


def _checked(field: str, number: int) -> int:
    if not 0 <= number <= _MOST:
        raise InvalidArgument(field, f"is 0 to {_MOST}")
    return number


def _block(block: Block) -> audit_pb2.Block:
    return audit_pb2.Block(
        number=block.number,
        previous_hash=block.previous_hash,
        data_hash=block.data_hash,
        hash=block.hash,
        transactions=[_transaction(each) for each in block.transactions],
    )


def _transaction(transaction: Transaction) -> audit_pb2.Transaction:
    return audit_pb2.Transaction(
        id=transaction.id,
        timestamp=transaction.timestamp,
        creator=transaction.creator_msp_id,
        namespace=transaction.namespace,
        function=transaction.function,
        arguments=transaction.arguments,
        validation=transaction.validation,
        event=transaction.event[0] if transaction.event is not None else None,
        result=transaction.result,
        writes=[
            audit_pb2.Transaction.Write(namespace=each.namespace, key=write.key, value=write.value)
            for each in transaction.read_write_sets
            for write in each.writes
        ],
        envelope=transaction.envelope,
    )
