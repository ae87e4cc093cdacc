"""Who may call what, route by route: stated here a second time, and tried with each kind of caller."""

from __future__ import annotations

import httpx
import pytest
from fastapi.routing import APIRoute

from gateway.rest.application import document, routes
from gateway.rest.caller import Caller, callers_of
from tests.gateway.house import House

EVERYBODY = "anybody"
LOGGED_IN = "ADMIN OPERATOR USER AUDITOR"
STAFF = "ADMIN OPERATOR AUDITOR"
MANAGERS = "ADMIN OPERATOR"
REVIEWERS = "ADMIN AUDITOR"

CALLERS = {
    # Accounts.
    "log_in": EVERYBODY,
    "accept_invitation": EVERYBODY,
    "log_out": LOGGED_IN,
    "read_own_account": LOGGED_IN,
    "change_password": LOGGED_IN,
    "list_own_sessions": LOGGED_IN,
    "end_own_session": LOGGED_IN,
    "list_accounts": MANAGERS,
    "create_account": MANAGERS,
    "read_account": MANAGERS,
    "change_account": MANAGERS,
    "invite_account": MANAGERS,
    "read_audit_log": REVIEWERS,
    "export_audit_log": REVIEWERS,
    "export_audit_sheet": REVIEWERS,
    "verify_audit_log": REVIEWERS,
    # Configuration.
    "list_groups": STAFF,
    "create_group": MANAGERS,
    "change_group": MANAGERS,
    "remove_group": MANAGERS,
    "list_unit_settings": STAFF,
    "list_enrolments": STAFF,
    "read_unit_settings": STAFF,
    "change_unit_settings": MANAGERS,
    "enrol_unit": "ADMIN",
    "rotate_unit_key": "ADMIN",
    "retire_unit": "ADMIN",
    "read_tag_salt": "ADMIN",
    "publish_tariff": "ADMIN",
    # Firmware.
    "list_firmware": STAFF,
    "upload_firmware": "ADMIN",
    "remove_firmware": "ADMIN",
    "list_unit_firmware": STAFF,
    "order_firmware": "ADMIN",
    "withdraw_firmware": "ADMIN",
    "change_condominium": "ADMIN",
    # Units; their messages are authenticated one by one.
    "configuration": "unit",
    "readings": "unit",
    "requests": "unit",
    "report_firmware": "unit",
    "fetch_firmware": "unit",
    # Wallets and anybody; intents carry their own signature.
    "relay_intent": EVERYBODY,
    "read_wallet": "wallet",
    "read_statement": "wallet",
    "list_wallet_sessions": "wallet",
    "read_usage": "wallet",
    "list_mandates": "wallet",
    "list_recent_tags": "wallet",
    "read_notifications": "wallet",
    "choose_notifications": "wallet",
    "add_push_subscription": "wallet",
    "remove_push_subscription": "wallet",
    "list_notices": "wallet",
    "ask_for_tokens": "wallet",
    "read_purchase": "wallet",
    "read_session": EVERYBODY,
    "stream_session": EVERYBODY,
    "read_receipt": EVERYBODY,
    "list_readings": "wallet " + STAFF,
    "read_batches": "wallet " + STAFF,
    "list_units": EVERYBODY,
    "read_unit": EVERYBODY,
    "read_condominium": EVERYBODY,
    "list_tariffs": EVERYBODY,
    "read_tariff": EVERYBODY,
    # Operation.
    "list_sessions": STAFF,
    "stop_session": MANAGERS,
    "list_alarms": STAFF,
    "stream_events": STAFF,
    "read_overview": LOGGED_IN,
    "stream_overview": LOGGED_IN,
    "list_purchases": STAFF,
    "sell_tokens": MANAGERS,
    "confirm_payment": MANAGERS,
    "read_token_supply": STAFF,
    "report_sessions": STAFF,
    "export_sessions": STAFF,
    "report_money": STAFF,
    "export_money": STAFF,
    "list_claims": STAFF,
    "rehearse_tariff": STAFF,
    # The ledger holds nothing personal and is everybody's to verify.
    "read_ledger": EVERYBODY,
    "read_block": EVERYBODY,
    "read_ledger_members": STAFF,
    "verify_ledger": STAFF,
    "export_ledger": EVERYBODY,
    "stream_ledger_events": EVERYBODY,
    "openapi": EVERYBODY,
    "docs": EVERYBODY,
}
"""Each route's callers. A new route is added here too: two people have then thought about it."""

VALUES = {
    "subscription": "ab" * 32,
    "unit": "7",
    "number": "999",
    "board": "posix",
    "version": "1.0.0",
    "code": "nowhere",
    "wallet": "ab" * 32,
    "session": "ab" * 32,
    "reference": "RF00UNKNOWN",
    "tariff": "99",
    "block": "0",
}


def test_every_route_states_the_callers_that_this_table_has(gateway_house: House) -> None:
    """None more, none less; a route that is not in the table fails."""
    stated = {
        route.name: frozenset(map(str, callers_of(route))) for route in routes(gateway_house.gateway.app)
    }
    assert stated == {name: frozenset(CALLERS.get(name, "").split()) for name in stated}


def test_the_openapi_document_says_who_may_call(gateway_house: House) -> None:
    """Every operation in it has `x-callers` and, unless it is open, the ways to prove oneself."""
    schema = document(gateway_house.gateway.app)
    operations = [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) == len(routes(gateway_house.gateway.app))
    for path, method, operation in operations:
        assert set(operation["x-callers"]) == set(CALLERS[operation["operationId"]].split()), (method, path)
        is_open = {"anybody", "unit"} & set(operation["x-callers"])
        assert ({} in operation["security"]) == bool(is_open), (method, path)


def _refusal(response: httpx.Response) -> str | None:
    """How the frame refused the caller; None where the caller was let in."""
    if response.headers.get("content-type") != "application/problem+json":
        return None
    problem = response.json()
    if problem["code"] == "not-authenticated" and problem["field"] in ("authorization", "session"):
        return "unknown"
    if problem["code"] == "not-authorised" and problem["field"] == "caller":
        return "unfit"
    return None


async def _call(client: httpx.AsyncClient, route: APIRoute) -> httpx.Response:
    (method,) = route.methods or {"GET"}
    return await client.request(method, route.path_format.format(**VALUES))


@pytest.mark.parametrize("role", ["nobody", "ADMIN", "OPERATOR", "USER", "AUDITOR"])
async def test_each_caller_gets_in_where_it_may_and_nowhere_else(gateway_house: House, role: str) -> None:
    """Nobody is told to prove who they are, the wrong role that it is the wrong one."""
    gateway = gateway_house.gateway
    client = gateway_house.client() if role == "nobody" else await gateway_house.caller(role)
    # Streams end at once, so that answers to them are complete.
    await gateway.operation.end_streams()
    wrong = []
    async with client:
        for route in sorted(routes(gateway.app), key=lambda route: route.name == "log_out"):
            callers = set(CALLERS[route.name].split())
            refusal = _refusal(await _call(client, route))
            if callers & {Caller.ANYBODY, Caller.UNIT, role}:
                expected = None
            else:
                expected = "unknown" if role == "nobody" else "unfit"
            if refusal != expected:
                wrong.append((route.name, refusal, expected))
    assert wrong == []


async def test_a_forged_session_gets_in_nowhere_that_is_closed(gateway_house: House) -> None:
    """A token of the right form that nobody was given is nobody's."""
    async with gateway_house.client("A" * 43) as thief:
        for route in routes(gateway_house.gateway.app):
            if not set(CALLERS[route.name].split()) & {Caller.ANYBODY, Caller.UNIT}:
                assert _refusal(await _call(thief, route)) == "unknown", route.name
