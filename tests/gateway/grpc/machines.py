"""A whole gateway behind gRPC, with a unit, a tariff and a wallet that holds tokens."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from nacl.bindings import crypto_sign_seed_keypair

from chaincode.signing import domain
from chaincode.signing.intent import AnyIntent, OpenIntent, TransferIntent, new_nonce
from chaincode.signing.query import sign_query
from gateway.grpc.server import GrpcServer
from gateway.proto.condocharge.v1.wallets_pb2 import SignedQuery, SubmitRequest
from gateway.settings import GrpcSettings
from tests.gateway.house import START, House, opened

CODE = "riverside"
NOW = START // 1_000
TOKENS = 5_000


class Purse:
    """A wallet's key."""

    def __init__(self, name: str) -> None:
        self.public, self.secret = crypto_sign_seed_keypair(hashlib.sha256(name.encode()).digest())
        self._nonces = itertools.count(1)

    @property
    def id(self) -> str:
        """The wallet."""
        return self.public.hex()

    def submit(self, intent: AnyIntent) -> SubmitRequest:
        """An intent, signed."""
        body = intent.encode()
        return SubmitRequest(body=body, signature=domain.sign(self.secret, domain.INTENT, body))

    def ask(self, call: str, content: bytes = b"", time: int = NOW, **changes: str) -> SignedQuery:
        """A query, signed; `changes` to the target and network that the signature is over."""
        query = sign_query(
            self.secret,
            wallet=self.public,
            method="POST",
            target=changes.get("target", f"/condocharge.v1.Wallets/{call}"),
            network=changes.get("network", "condocharge"),
            body=content,
            time=time,
            nonce=next(self._nonces).to_bytes(16, "big"),
        )
        return SignedQuery(authorization=query.encode(), content=content)


@dataclass
class Machines:
    """The gateway and a channel to it."""

    house: House
    channel: grpc.aio.Channel
    purse: Purse

    def open_intent(self, **changes: int) -> OpenIntent:
        """A session of an hour at the unit, for at most 10.00 tokens."""
        return OpenIntent(
            network="condocharge",
            wallet=self.purse.id,
            nonce=new_nonce(),
            expires=NOW + 600,
            condominium=CODE,
            unit=changes.get("unit", 1),
            tariff=1,
            issuer=CODE,
            amount=changes.get("amount", 1_000),
            duration=3_600,
        )

    def transfer(self, amount: int) -> TransferIntent:
        """Tokens for somebody else."""
        return TransferIntent(
            network="condocharge",
            wallet=self.purse.id,
            nonce=new_nonce(),
            expires=NOW + 600,
            issuer=CODE,
            to=Purse("neighbour").id,
            amount=amount,
        )


@asynccontextmanager
async def machines(directory: Path) -> AsyncIterator[Machines]:
    """Open all of it in `directory`."""
    purse = Purse("resident")
    async with opened(directory) as house:
        gateway = house.gateway
        async with await house.caller("ADMIN") as admin:
            for path, members in _FURNITURE:
                answer = await admin.post(path, json=members)
                assert answer.status_code == 201, answer.text
        await gateway.start()
        await gateway.operation.purchases.sell("CASH-1", purse.id, TOKENS)
        server = GrpcServer(gateway.grpc_services())
        address = await server.start(GrpcSettings(port=0))
        async with grpc.aio.insecure_channel(address) as channel:
            yield Machines(house, channel, purse)
        await server.stop(0)


_FURNITURE = (
    ("/v1/groups", {"code": "garage", "name": "Garage", "maximum_load": 7_400, "phases": 1}),
    (
        "/v1/units",
        {
            "unit": 1,
            "class": "mac",
            "nominal_current": 16_000,
            "nominal_voltage": 2_300,
            "phases": 1,
            "settings": {"name": "Left", "group": "garage"},
        },
    ),
    (
        "/v1/tariffs",
        {
            "number": 1,
            "valid_from": NOW,
            "start_fee": 50,
            "bands": [{"name": "day", "energy_price": 183_400, "idle_price": 0}],
            "week": [{"minute": 0, "band": 0}],
        },
    ),
)
