"""The frame: callers, problems, limits and headers, on an application with routes made for the purpose."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Query, Request

from chaincode.errors import ContractError, InvalidArgument, NotAuthorised, NotFound, StateConflict
from gateway.rest import application, body
from gateway.rest.caller import NOBODY, Caller, CurrentPrincipal, Principal, allow
from gateway.rest.problem import MEDIA_TYPE, ProblemError
from gateway.store.errors import Full
from network.ledger import CommitError, CommitStatusError, EndorseError, EvaluateError, SubmitError


class Order(body.Request):
    """A body with one member of each simple kind."""

    name: body.Line
    count: body.Key


class ByHeader:
    """Believes the header X-Caller: a stand-in for sessions and signatures."""

    admissions: list[Principal]

    proved_by_body: frozenset[Caller] = frozenset()

    def __init__(self) -> None:
        self.admissions = []

    async def authenticate(self, request: Request) -> Principal | None:
        claimed = request.headers.get("x-caller")
        if claimed is None:
            return None
        if claimed == "forged":
            raise ProblemError(401, "not-authenticated", "authorization", "is a session that is open")
        return Principal(Caller(claimed), claimed.lower())

    async def admitted(self, request: Request, principal: Principal) -> None:
        self.admissions.append(principal)


ERRORS: dict[str, tuple[Exception, int, str]] = {
    "argument": (InvalidArgument("amount", "is positive"), 422, "invalid-argument"),
    "authority": (NotAuthorised("creator", "is an admin"), 403, "not-authorised"),
    "missing": (NotFound("unit", "is enrolled"), 404, "not-found"),
    "conflict": (StateConflict("session", "is open"), 409, "state-conflict"),
    "other": (ContractError("x", "y"), 422, "rejected"),
    "evaluate": (EvaluateError("nobody answered", "t1"), 503, "evaluate-error"),
    "endorse": (EndorseError("no agreement", "t1"), 503, "endorse-error"),
    "submit": (SubmitError("lost", "t1"), 503, "submit-error"),
    "status": (CommitStatusError("unknown", "t1"), 504, "commit-status-error"),
    "commit": (CommitError("invalid", "t1", "MVCC_READ_CONFLICT"), 409, "commit-error"),
    "store": (Full("the disk that holds /secret/place is full"), 503, "store-error"),
    "bug": (KeyError("secret"), 500, "unexpected"),
}


def _router() -> APIRouter:
    router = APIRouter()

    @router.get("/open", dependencies=[allow(Caller.ANYBODY)])
    async def open_to_all(principal: CurrentPrincipal) -> str:
        return principal.name

    @router.get("/mixed", dependencies=[allow(Caller.ANYBODY, Caller.ADMIN)])
    async def mixed(principal: CurrentPrincipal) -> str:
        return principal.caller

    @router.get("/admins", dependencies=[allow(Caller.ADMIN, Caller.OPERATOR)])
    async def admins(principal: CurrentPrincipal) -> str:
        return principal.name

    @router.post("/orders", dependencies=[allow(Caller.ANYBODY)])
    async def order(order: Order) -> Order:
        return order

    @router.post("/raw", dependencies=[allow(Caller.UNIT)])
    async def raw(request: Request, wait: Annotated[int, Query(ge=0, le=25)] = 0) -> int:
        return len(await request.body()) + wait

    @router.get("/errors/{name}", dependencies=[allow(Caller.ANYBODY)])
    async def fail(name: str) -> None:
        raise ERRORS[name][0]

    return router


@pytest.fixture
def authenticator() -> ByHeader:
    return ByHeader()


@pytest.fixture
async def client(authenticator: ByHeader) -> AsyncIterator[httpx.AsyncClient]:
    app = application.create([_router()], [authenticator], max_body=1000)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as opened:
        yield opened


def _check(response: httpx.Response, status: int, code: str) -> dict[str, str]:
    """The response is a problem of this status and code; returns its body."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    problem: dict[str, str] = response.json()
    assert problem["code"] == code
    assert problem["detail"] == f"{problem['field']} breaks the rule: {problem['rule']}"
    assert {"type", "title", "status"} <= problem.keys()
    return problem


@pytest.mark.parametrize("name", ERRORS)
async def test_each_error_is_a_problem(client: httpx.AsyncClient, name: str) -> None:
    """Every kind of error has its status, code, field and rule, and none tells a secret."""
    error, status, code = ERRORS[name]
    problem = _check(await client.get(f"/errors/{name}"), status, code)
    assert "secret" not in str(problem)
    if isinstance(error, ContractError):
        assert (problem["field"], problem["rule"]) == (error.field, error.rule)
    if hasattr(error, "transaction_id"):
        assert problem["transaction"] == "t1"


@pytest.mark.parametrize(
    ("content", "field", "rule"),
    [
        (b'{"name": "a", "count": "1"}', "count", "integer"),
        (b'{"name": "a", "count": 1.0}', "count", "integer"),
        (b'{"name": "a", "count": 0}', "count", "greater"),
        (b'{"name": "a", "count": 9007199254740992}', "count", "less"),
        (b'{"name": "a", "count": true}', "count", "integer"),
        (b'{"name": "a\\u0000", "count": 1}', "name", "control characters"),
        (b'{"name": "\\ud800", "count": 1}', "name", ""),
        (b'{"name": " ", "count": 1}', "name", "at least 1"),
        (b'{"count": 1}', "name", "is required"),
        (b'{"name": "a", "count": 1, "price": 2}', "price", "not a member"),
        (b'{"name": "a", "count": NaN}', "count", ""),
        (b'{"name"', "body", "JSON"),
        (b"\xff\xfe", "body", ""),
        (b"[" * 900, "body", ""),
        (b"9" * 900, "body", ""),
        (b"", "body", "is required"),
        (b"[]", "body", ""),
    ],
)
async def test_malformed_bodies_name_field_and_rule(
    client: httpx.AsyncClient, content: bytes, field: str, rule: str
) -> None:
    """Whatever is wrong with a body, the answer is a 4xx that says what."""
    response = await client.post("/orders", content=content, headers={"content-type": "application/json"})
    problem = _check(response, response.status_code, "invalid-argument")
    assert response.status_code in (400, 422)
    assert problem["field"] == field
    assert rule in problem["rule"]


async def test_huge_integers_are_refused(client: httpx.AsyncClient) -> None:
    """Python refuses to parse integers of thousands of digits; that is the caller's error, not ours."""
    app = application.create([_router()], [], max_body=10_000)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as roomy:
        content = b'{"name": "a", "count": ' + b"9" * 5000 + b"}"
        response = await roomy.post("/orders", content=content, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("DELETE", "/open", 405, "method-not-allowed"),
        ("GET", "/open/", 404, "not-found"),
        ("POST", "/raw?wait=26", 422, "invalid-argument"),
    ],
)
async def test_the_frameworks_errors_are_problems_too(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    """Unknown paths, methods and queries have the same form as everything else."""
    response = await client.request(method, path)
    _check(response, status, code)
    if status == 405:
        assert response.headers["allow"] == "GET"


async def test_an_open_route_asks_for_nothing(client: httpx.AsyncClient, authenticator: ByHeader) -> None:
    """Not even a forged session is looked at."""
    response = await client.get("/open", headers={"x-caller": "forged"})
    assert (response.status_code, response.json()) == (200, NOBODY.name)
    assert authenticator.admissions == []


async def test_a_route_that_is_open_and_knows_accounts(client: httpx.AsyncClient) -> None:
    """An account is recognised where the route names it; anybody else is nobody."""
    assert (await client.get("/mixed")).json() == "anybody"
    assert (await client.get("/mixed", headers={"x-caller": "ADMIN"})).json() == "ADMIN"
    assert (await client.get("/mixed", headers={"x-caller": "USER"})).json() == "anybody"
    _check(await client.get("/mixed", headers={"x-caller": "forged"}), 401, "not-authenticated")


async def test_a_closed_route_names_who_may_call(client: httpx.AsyncClient, authenticator: ByHeader) -> None:
    """Nobody gets 401 with a challenge, the wrong caller 403, the right one in."""
    response = await client.get("/admins")
    assert "ADMIN or OPERATOR" in _check(response, 401, "not-authenticated")["rule"]
    assert response.headers["www-authenticate"] == "Bearer"
    assert (
        "not USER"
        in _check(await client.get("/admins", headers={"x-caller": "USER"}), 403, "not-authorised")["rule"]
    )
    assert authenticator.admissions == []
    assert (await client.get("/admins", headers={"x-caller": "OPERATOR"})).json() == "operator"
    assert [p.name for p in authenticator.admissions] == ["operator"]


async def test_bodies_above_the_limit_are_refused(client: httpx.AsyncClient) -> None:
    """Declared or sent in pieces: more than the limit never reaches a route."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(100)

    assert (await client.post("/raw", content=bytes(1000))).json() == 1000
    _check(await client.post("/raw", content=bytes(1001)), 413, "too-large")
    _check(await client.post("/raw", content=pieces()), 413, "too-large")
    declared = {"content-length": "-5"}
    _check(await client.post("/raw", content=pieces(), headers=declared), 413, "too-large")


async def test_every_answer_has_the_security_headers(client: httpx.AsyncClient) -> None:
    """Successes, refusals and errors alike."""
    for path in ("/open", "/nowhere", "/admins", "/errors/bug"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


def test_a_route_that_states_no_caller_cannot_be_mounted() -> None:
    """Forgetting is an error at start, not an open door."""
    router = APIRouter()

    @router.get("/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(ValueError, match="/forgotten does not state who may call it"):
        application.create([router], [])


def test_the_document_says_who_may_call_and_how() -> None:
    """Callers, ways of authentication and problem bodies are in the OpenAPI document."""
    schema = application.document(application.create([_router()], []))
    admins = schema["paths"]["/admins"]["get"]
    assert admins["x-callers"] == ["ADMIN", "OPERATOR"]
    assert admins["security"] == [{"session": []}, {"cookie": []}]
    assert MEDIA_TYPE in admins["responses"]["4XX"]["content"]
    assert schema["paths"]["/open"]["get"]["security"] == [{}]
    assert "Problem" in schema["components"]["schemas"]


async def test_the_document_and_its_page_are_served(client: httpx.AsyncClient) -> None:
    """The page needs no script and no other host, and escapes what it shows."""
    schema = (await client.get("/openapi.json")).json()
    assert schema["openapi"].startswith("3.1")
    page = await client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text and "http://" not in page.text and "https://" not in page.text
    assert all(path in page.text for path in schema["paths"])
    assert "script-src" not in page.headers["content-security-policy"]
