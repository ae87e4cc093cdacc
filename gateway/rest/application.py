"""The FastAPI application around the services' routers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from gateway.rest import problem
from gateway.rest.caller import ROLES, Authenticator, Caller, allow, callers_of
from gateway.rest.guard import MAX_BODY, Guard
from gateway.rest.page import PAGE_POLICY, page

API_VERSION = "1"
_SCHEMES: dict[str, dict[str, Any]] = {
    "session": {"type": "http", "scheme": "bearer", "description": "An account's session token."},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-condocharge",
        "description": "The same token in a browser; requests that change something also need X-CSRF-Token.",
    },
    "wallet": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": 'A wallet\'s signature: `Condocharge wallet="…", time="…", nonce="…", signature="…"`.',
    },
}


def create(
    routers: Iterable[APIRouter],
    authenticators: Sequence[Authenticator],
    middleware: Sequence[Middleware] = (),
    max_body: int = MAX_BODY,
    larger_bodies: Mapping[str, int] | None = None,
) -> FastAPI:
    """The application with `routers` mounted, callers found out by `authenticators` in their order.

    `larger_bodies` has the limits of paths that take more than `max_body` bytes.

    Raises ValueError where a route does not state its callers."""
    app = FastAPI(
        title="Condocharge gateway",
        version=API_VERSION,
        responses=problem.RESPONSES,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=lambda route: route.name,
        # An unslashed path is one resource; a redirect would turn a POST into a GET in old clients.
        redirect_slashes=False,
    )
    app.state.authenticators = tuple(authenticators)
    app.state.routes = []
    for router in (*routers, _document_router(app)):
        app.include_router(router)
        app.state.routes += [_checked(route) for route in router.routes]
    problem.install(app)
    for each in middleware:
        app.add_middleware(each.cls, *each.args, **each.kwargs)
    app.add_middleware(Guard, limit=max_body, larger=larger_bodies)
    return app


def routes(app: FastAPI) -> list[APIRoute]:
    """The application's routes in the order they were mounted."""
    mounted: list[APIRoute] = app.state.routes
    return mounted


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with each operation's callers (`x-callers`) and how they prove themselves."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    schema = get_openapi(
        title=app.title,
        version=app.version,
        routes=app.routes,
        description="Errors are problem bodies (RFC 9457). `x-callers` says who may call an operation.",
    )
    schema.setdefault("components", {})["securitySchemes"] = _SCHEMES
    for route in routes(app):
        callers = callers_of(route)
        for method in route.methods or ():
            operation = schema["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                operation["x-callers"] = [str(caller) for caller in callers]
                operation["security"] = _security(callers)
    app.openapi_schema = schema
    return schema


def _checked(route: BaseRoute) -> APIRoute:
    if not isinstance(route, APIRoute):
        raise TypeError(f"{route} is not a route with a function, so it cannot state who may call it")
    if not callers_of(route):
        raise ValueError(f"{sorted(route.methods or ())} {route.path} does not state who may call it")
    return route


def _document_router(app: FastAPI) -> APIRouter:
    router = APIRouter(tags=["document"])

    @router.get(
        "/openapi.json", dependencies=[allow(Caller.ANYBODY)], summary="This interface, as OpenAPI 3.1"
    )
    async def openapi() -> dict[str, Any]:
        return document(app)

    @router.get(
        "/docs",
        dependencies=[allow(Caller.ANYBODY)],
        summary="This interface, to read",
        response_class=HTMLResponse,
    )
    async def docs() -> HTMLResponse:
        return HTMLResponse(page(document(app)), headers={"Content-Security-Policy": PAGE_POLICY})

    return router


def _security(callers: Sequence[Caller]) -> list[dict[str, list[str]]]:
    ways: list[dict[str, list[str]]] = []
    if any(caller in ROLES for caller in callers):
        ways += [{"session": []}, {"cookie": []}]
    if Caller.WALLET in callers:
        ways.append({"wallet": []})
    if Caller.ANYBODY in callers or Caller.UNIT in callers:
        ways.append({})
    return ways
