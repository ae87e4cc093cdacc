"""Who calls by a wallet's signed query: each is for one request, and answered once."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from sqlalchemy import Connection, delete, insert
from sqlalchemy.exc import IntegrityError

from chaincode.errors import InvalidArgument
from chaincode.signing.query import SCHEME, TOLERANCE, QueryAuthorization, parse_authorization
from gateway.clock import Clock, doubt
from gateway.rest.caller import Caller, Principal
from gateway.rest.problem import ProblemError
from gateway.store.database import Database, Gather
from gateway.transaction.records import QUERY_NONCE
from gateway.transaction.submission import Submitter

_FORGET_EVERY = 600
"""Seconds between clearing away nonces that are too old to be accepted anyway."""


class WalletAuthenticator:
    """Knows wallets by their signatures (docs/protocol.md, "REST")."""

    proved_by_body = frozenset({Caller.WALLET})

    def __init__(self, submitter: Submitter, database: Database, clock: Clock) -> None:
        self._submitter = submitter
        self._database = database
        self._clock = clock
        self._nonces: Gather[dict[str, object]] = database.gather(_note)
        self._forget_at = 0

    async def authenticate(self, request: Request) -> Principal | None:
        """The wallet that signed the request, None where it is not signed by one.

        Raises `ProblemError` (401) where time, nonce or signature are wrong, `LedgerError` where the
        wallet's key cannot be asked for."""
        header = request.headers.get("authorization", "")
        if not header.startswith(SCHEME + " "):
            return None
        # A body may be long and never end: it is read for nobody whose header is already seen to be wrong.
        query = self._read(header)
        wallet = await self._prove(
            query, method=request.method, target=_target(request), body=await request.body()
        )
        return Principal(Caller.WALLET, wallet, wallet=wallet)

    async def identify(self, header: str, *, method: str, target: str, body: bytes) -> str:
        """The wallet that signed a request with this authorization, which counts this once.

        Raises as `authenticate` does."""
        return await self._prove(self._read(header), method=method, target=target, body=body)

    def _read(self, header: str) -> QueryAuthorization:
        """What the header says, once it is seen to be of now."""
        try:
            query = parse_authorization(header)
        except InvalidArgument as error:
            raise _refusal(error.field, error.rule) from None
        now = self._clock.now() // 1000
        if abs(now - query.time) > TOLERANCE:
            rule = f"is within {TOLERANCE} s of the gateway's clock, {now}; set this device's clock right"
            raise _refusal("authorization.time", rule + doubt(self._clock))
        return query

    async def _prove(self, query: QueryAuthorization, *, method: str, target: str, body: bytes) -> str:
        """The wallet that signed the request, which counts this once."""
        wallet = query.wallet.hex()
        key = await self._submitter.evaluate("wallet.key", [wallet.encode()])
        network = self._submitter.ledger.channel
        public = bytes.fromhex(key.decode())
        if not query.signed_by(public, method=method, target=target, network=network, body=body):
            raise _refusal("authorization.signature", f"is the wallet's over {method} {target}")
        await self._use(wallet, query)
        return wallet

    async def admitted(self, request: Request, principal: Principal) -> None:
        """Nothing is recorded: what a wallet does is on the ledger."""

    async def _use(self, wallet: str, query: QueryAuthorization) -> None:
        """Accept the nonce, once. A query's time bounds how long it has to be remembered."""
        now = self._clock.now() // 1000
        row: dict[str, object] = {
            "wallet": wallet,
            "nonce": query.nonce.hex(),
            "until": query.time + TOLERANCE,
        }
        try:
            await self._nonces.put(row)
        except IntegrityError:
            raise _refusal("authorization.nonce", "is used once") from None
        if now >= self._forget_at:
            self._forget_at = now + _FORGET_EVERY
            old = delete(QUERY_NONCE).where(QUERY_NONCE.c.until < now)
            await self._database.write(lambda c: c.execute(old))


def _note(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    connection.execute(insert(QUERY_NONCE), list(rows))


def _target(request: Request) -> str:
    """PATH?QUERY as it stands in the request line."""
    path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    query: bytes = request.scope.get("query_string", b"")
    return (path.split(b"?")[0] + (b"?" + query if query else b"")).decode("ascii", "replace")


def _refusal(field: str, rule: str) -> ProblemError:
    return ProblemError(401, "not-authenticated", field, rule, headers={"WWW-Authenticate": SCHEME})
