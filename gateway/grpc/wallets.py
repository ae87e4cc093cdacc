"""`condocharge.v1.Wallets`: what wallets do over REST, for machine clients."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from chaincode.errors import InvalidArgument
from gateway.grpc.status import abort, address_of
from gateway.monitor.session_routes import SessionBook, follow
from gateway.monitor.view import SessionAnswer
from gateway.notification.bus import Bus
from gateway.proto.condocharge.v1 import wallets_pb2, wallets_pb2_grpc
from gateway.rest.places import Places
from gateway.store.database import Database
from gateway.transaction.intent import Intents
from gateway.transaction.query import WalletAuthenticator
from gateway.transaction.submission import Submitter
from gateway.transaction.wallet_routes import holdings, movements

Context = grpc.aio.ServicerContext[Any, Any]

_SESSION = re.compile("[0-9a-f]{64}")
_PATH = "/condocharge.v1.Wallets/"


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletServices:
    """The services that these calls are a face of."""

    code: str
    """This condominium's."""
    intents: Intents
    book: SessionBook
    bus: Bus
    wallets: WalletAuthenticator
    submitter: Submitter
    database: Database
    places: Places
    """For open streams."""


class WalletsService(wallets_pb2_grpc.WalletsServicer):
    """The wallets' calls."""

    name = wallets_pb2.DESCRIPTOR.services_by_name["Wallets"].full_name

    def __init__(self, services: WalletServices) -> None:
        self._services = services

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve these calls on `server`."""
        wallets_pb2_grpc.add_WalletsServicer_to_server(self, server)

    async def Submit(  # noqa: N802 - the protocol's name
        self, request: wallets_pb2.SubmitRequest, context: Context
    ) -> wallets_pb2.SubmitReply:
        """Put an intent on the ledger."""
        proof = request.proof if request.HasField("proof") else None
        try:
            relayed = await self._services.intents.relay(request.body, request.signature, proof)
        except Exception as error:  # noqa: BLE001 - every error has its status
            await abort(context, error)
        record = json.dumps(relayed.record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return wallets_pb2.SubmitReply(
            id=relayed.id, kind=relayed.kind, transaction=relayed.transaction, record=record.encode()
        )

    async def GetSession(  # noqa: N802 - the protocol's name
        self, request: wallets_pb2.SessionRequest, context: Context
    ) -> wallets_pb2.Session:
        """A session as it stands."""
        try:
            return _session(await self._services.book.view(_checked(request.session)))
        except Exception as error:  # noqa: BLE001 - every error has its status
            await abort(context, error)

    async def WatchSession(  # noqa: N802 - the protocol's name
        self, request: wallets_pb2.SessionRequest, context: Context
    ) -> AsyncIterator[wallets_pb2.Session]:
        """A session now and at each change."""
        services = self._services
        try:
            session = _checked(request.session)
            with services.places.taken(address_of(context)):
                async with aclosing(follow(services.book, services.bus, session)) as changes:
                    async for shown in changes:
                        yield _session(shown)
        except Exception as error:  # noqa: BLE001 - every error has its status
            await abort(context, error)

    async def Balance(  # noqa: N802 - the protocol's name
        self, request: wallets_pb2.SignedQuery, context: Context
    ) -> wallets_pb2.BalanceReply:
        """What the wallet that signed holds."""
        services = self._services
        try:
            wallet = await self._wallet("Balance", request)
            held = await holdings(services.submitter, services.database, services.code, wallet)
        except Exception as error:  # noqa: BLE001 - every error has its status
            await abort(context, error)
        return wallets_pb2.BalanceReply(**held.model_dump())

    async def Statement(  # noqa: N802 - the protocol's name
        self, request: wallets_pb2.SignedQuery, context: Context
    ) -> wallets_pb2.StatementReply:
        """The movements of the tokens of the wallet that signed."""
        services = self._services
        try:
            wallet = await self._wallet("Statement", request)
            page = await movements(services.database, services.code, wallet, _bookmark(request.content))
        except Exception as error:  # noqa: BLE001 - every error has its status
            await abort(context, error)
        rows = [wallets_pb2.StatementReply.Row(**row.model_dump(exclude_none=True)) for row in page.rows]
        return wallets_pb2.StatementReply(rows=rows, bookmark=page.bookmark)

    async def _wallet(self, call: str, query: wallets_pb2.SignedQuery) -> str:
        return await self._services.wallets.identify(
            query.authorization, method="POST", target=_PATH + call, body=query.content
        )


def _checked(session: str) -> str:
    if _SESSION.fullmatch(session) is None:
        raise InvalidArgument("session", "is 32 bytes in lower-case hexadecimal")
    return session


def _bookmark(content: bytes) -> str:
    try:
        return wallets_pb2.PageQuery.FromString(content).bookmark
    except DecodeError:
        raise InvalidArgument("content", "is a PageQuery") from None


def _session(shown: SessionAnswer) -> wallets_pb2.Session:
    members = shown.model_dump(mode="json", exclude_none=True)
    why = members.pop("why", None)
    return wallets_pb2.Session(**members, why=wallets_pb2.Why(**why) if why is not None else None)
