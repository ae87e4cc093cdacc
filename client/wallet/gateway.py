"""The gateway's REST API as a wallet uses it (docs/rest.md).

The gateway is a relay and is trusted with nothing: what it answers is read strictly, and what matters is
checked elsewhere, on receipts.

::

    GatewayError
    ├── GatewayUnreachable  no answer; where an intent was sent, it may have arrived
    ├── GatewayRefused      an RFC 9457 problem: status, code, field and rule say what and why
    └── GatewayGarbled      an answer that docs/rest.md does not know
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

from chaincode.errors import InvalidArgument
from chaincode.fields import Fields
from client.wallet.answer import (
    Balance,
    Condominium,
    Mandate,
    Purchase,
    Session,
    StatementRow,
    Tag,
    Unit,
)
from client.wallet.key import SignedIntent, WalletKey

ATTEMPTS = 3
"""How often a request that may be repeated is sent before the gateway counts as unreachable."""
_PAUSE = 0.5
_Answer = TypeVar("_Answer")


class GatewayError(Exception):
    """The gateway did not do what it was asked."""


class GatewayUnreachable(GatewayError):
    """No answer came."""


class GatewayGarbled(GatewayError):
    """The answer is not one of the API's."""


class GatewayRefused(GatewayError):
    """The gateway or the rules say no."""

    def __init__(self, status: int, detail: str, *, code: str, field: str, rule: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.field = field
        self.rule = rule


class Gateway:
    """One gateway, asked on behalf of anybody, or of a wallet where a key is given."""

    def __init__(
        self,
        address: str,
        *,
        network: str = "",
        key: WalletKey | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        """`address` is the API's base (`https://host:port`), `network` the channel of signed queries."""
        self.address = address.rstrip("/")
        self._network = network
        self._key = key
        self._http = http or httpx.Client(timeout=httpx.Timeout(30, connect=5), follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def condominium(self) -> Condominium:
        """Who this gateway belongs to."""
        return self._read(Condominium.read, self._get("/v1/condominium", signed=False))

    def tariff(self, number: int) -> bytes:
        """A tariff's record as the ledger holds it."""
        return self._get(f"/v1/tariffs/{number}", signed=False).content

    def units(self) -> list[Unit]:
        """The condominium's units with their state."""
        return list(self._rows(Unit.read, "/v1/units", signed=False))

    def submit(self, intent: SignedIntent, proof: bytes | None = None) -> dict[str, Any]:
        """Hand over an intent; `proof` is a new key's signature when it rotates. Returns the record it made.

        Sent again where no answer comes: an intent is done once, however often it arrives."""
        members = {"body": _base64url(intent.body), "signature": _base64url(intent.signature)}
        if proof is not None:
            members["proof"] = _base64url(proof)
        answer = self._object(self._send("POST", "/v1/intents", json.dumps(members).encode(), signed=False))
        if answer.get("id") != intent.id:
            raise GatewayGarbled("the gateway answered for another intent than the one it was given")
        record = answer.get("record")
        if not isinstance(record, dict):
            raise GatewayGarbled("the gateway's answer to an intent holds no record")
        return record

    def buy(self, amount: int) -> Purchase:
        """Ask for `amount` minor units of tokens; they come when the condominium has the payment."""
        body = json.dumps({"amount": amount}).encode()
        answer = self._send("POST", self._wallet("/purchases"), body, signed=True, attempts=1)
        return self._read(Purchase.read, answer)

    def purchase(self, reference: str) -> Purchase:
        """Where a purchase stands."""
        return self._read(Purchase.read, self._get(self._wallet(f"/purchases/{quote(reference, safe='')}")))

    def balance(self) -> Balance:
        """What the wallet has, and what its sessions hold."""
        return self._read(Balance.read, self._get(self._wallet("")))

    def statement(self) -> Iterator[StatementRow]:
        """Every movement of the wallet's tokens, newest first."""
        return self._rows(StatementRow.read, self._wallet("/statement"))

    def sessions(self) -> Iterator[Session]:
        """The wallet's sessions, newest first."""
        return self._rows(Session.read, self._wallet("/sessions"))

    def mandates(self) -> Iterator[Mandate]:
        """The wallet's mandates, revoked and expired ones too, newest first."""
        return self._rows(Mandate.read, self._wallet("/mandates"))

    def tags(self, unit: int) -> Iterator[Tag]:
        """Tags just held to a unit's reader that no mandate names."""
        return self._rows(Tag.read, self._wallet(f"/tags?unit={unit}"))

    def session(self, session: str) -> Session:
        """One session of the wallet."""
        return self._read(Session.read, self._get(f"/v1/sessions/{session}"))

    def receipt(self, session: str) -> bytes:
        """The receipt's file. Raises GatewayRefused with status 409 before the session has ended."""
        return self._get(f"/v1/sessions/{session}/receipt").content

    def batches(self, session: str) -> bytes:
        """The session's raw readings: every batch, one after another, as the unit sent them."""
        return self._get(f"/v1/sessions/{session}/batches").content

    def watch(self, session: str) -> Iterator[Session]:
        """The session now and at each change; ends with its end. Raises GatewayUnreachable when cut off."""
        for name, data in self._events(f"/v1/sessions/{session}/events"):
            if name == "session":
                yield _parse(Session.read, data)

    def export(self, start: int = 0) -> Iterator[bytes]:
        """The ledger's blocks from `start` on, one line of JSON each (docs/rest.md, “Auditors”)."""
        with self._stream("GET", f"/v1/ledger/export?from={start}", signed=False) as response:
            rest = b""
            for chunk in response.iter_bytes():
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (line for line in lines if line)
            if rest:
                raise GatewayUnreachable("the export broke off in the middle of a block")

    def height(self) -> int:
        """How many blocks the ledger has."""
        height = self._object(self._get("/v1/ledger", signed=False)).get("height")
        if not isinstance(height, int):
            raise GatewayGarbled("the gateway does not say how high the ledger is")
        return height

    def _wallet(self, rest: str) -> str:
        if self._key is None:
            raise ValueError("this request is a wallet's: give the gateway its key")
        return f"/v1/wallets/{self._key.wallet.hex()}{rest}"

    def _get(self, target: str, *, signed: bool = True) -> httpx.Response:
        return self._send("GET", target, b"", signed=signed)

    def _send(
        self, method: str, target: str, body: bytes, *, signed: bool, attempts: int = ATTEMPTS
    ) -> httpx.Response:
        for attempt in range(attempts):
            try:
                response = self._http.send(self._request(method, target, body, signed=signed))
                return _accepted(response)
            except httpx.TransportError as error:
                if attempt + 1 == attempts:
                    raise self._unreachable(error) from error
                time.sleep(_PAUSE * (attempt + 1))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _request(self, method: str, target: str, body: bytes, *, signed: bool) -> httpx.Request:
        """A request, signed anew each time it is sent: a nonce is accepted once."""
        headers = {"Content-Type": "application/json"} if body else {}
        if signed:
            if self._key is None:
                raise ValueError("this request is a wallet's: give the gateway its key")
            query = self._key.sign_query(method=method, target=target, network=self._network, body=body)
            headers["Authorization"] = query.encode()
        return self._http.build_request(method, self.address + target, content=body, headers=headers)

    @contextmanager
    def _stream(self, method: str, target: str, *, signed: bool) -> Iterator[httpx.Response]:
        try:
            response = self._http.send(self._request(method, target, b"", signed=signed), stream=True)
            try:
                if response.status_code >= 400:
                    response.read()
                yield _accepted(response)
            finally:
                response.close()
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _events(self, target: str) -> Iterator[tuple[str, bytes]]:
        """Server-sent events (HTML Living Standard, section 9.2.6): name and data of each."""
        with self._stream("GET", target, signed=True) as response:
            name, data = "message", list[str]()
            for line in response.iter_lines():
                member, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if not line:
                    if data:
                        yield name, "\n".join(data).encode()
                    name, data = "message", []
                elif member == "event":
                    name = value
                elif member == "data":
                    data.append(value)

    def _rows(
        self, read: Callable[[Fields], _Answer], target: str, *, signed: bool = True
    ) -> Iterator[_Answer]:
        seen, bookmark = set[str](), ""
        while bookmark not in seen:
            seen.add(bookmark)
            page = self._object(
                self._get(
                    f"{target}?bookmark={quote(bookmark, safe='')}" if bookmark else target, signed=signed
                )
            )
            rows, following = page.get("rows"), page.get("bookmark")
            if not isinstance(rows, list) or not isinstance(following, str):
                raise GatewayGarbled("the gateway's list has no rows or no bookmark")
            for row in rows:
                yield _parse_members(read, row)
            if not following:
                return
            bookmark = following
        raise GatewayGarbled("the gateway's list goes round in a circle")

    def _read(self, read: Callable[[Fields], _Answer], response: httpx.Response) -> _Answer:
        return _parse_members(read, self._object(response))

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        return _members(response.content)

    def _unreachable(self, error: httpx.TransportError) -> GatewayUnreachable:
        return GatewayUnreachable(
            f"the gateway at {self.address} does not answer ({error or type(error).__name__}); "
            "check the address and your network, and try again; if it runs on another port: "
            "--gateway http://localhost:PORT"
        )


def _accepted(response: httpx.Response) -> httpx.Response:
    """The response, where it is a good one. Raises GatewayRefused or GatewayGarbled."""
    if response.is_success:
        return response
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        raise GatewayGarbled(f"the gateway answered {response.status_code} without saying why")
    texts = {name: value for name, value in problem.items() if isinstance(value, str)}
    detail = texts.get("detail") or texts.get("title") or f"the gateway answered {response.status_code}"
    raise GatewayRefused(
        response.status_code,
        detail,
        code=texts.get("code", ""),
        field=texts.get("field", ""),
        rule=texts.get("rule", ""),
    )


def _members(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise GatewayGarbled("the gateway's answer is not a JSON object; is the address that of a gateway?")
    return answer


def _parse(read: Callable[[Fields], _Answer], content: bytes) -> _Answer:
    return _parse_members(read, _members(content))


def _parse_members(read: Callable[[Fields], _Answer], members: object) -> _Answer:
    if not isinstance(members, dict):
        raise GatewayGarbled("the gateway's list holds something that is not an object")
    try:
        return read(Fields(members))
    except InvalidArgument as error:
        raise GatewayGarbled(f"the gateway's answer is not as its interface says: {error}") from error


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
