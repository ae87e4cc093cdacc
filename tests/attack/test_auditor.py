"""An auditor, who may read everything on the ledger: names, flats and plates are not there, nor is a say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chaincode.contract import FUNCTIONS
from chaincode.errors import ContractError
from chaincode.signing.export import decode_block
from gateway.rest.application import routes
from gateway.rest.caller import Caller, callers_of
from tests.chaincode.world import PartyWallet, condominium
from tests.gateway.house import House
from tests.gateway.test_callers import VALUES
from tests.gateway.transaction.test_wallet_routes import funded

OWN = {"log_out", "change_password", "end_own_session"}
"""What changes nothing but the auditor's own account."""
READ = ("audit.", "token.balance", "token.supply")


async def test_a_login_that_audits_changes_nothing(furnished: House) -> None:
    """Every route that changes anything is closed to it, whatever is sent."""
    house = furnished
    height = await house.gateway.ledger.height()
    tried = []
    async with await house.caller("AUDITOR") as auditor:
        for route in routes(house.gateway.app):
            callers = callers_of(route)
            open_to_all = {Caller.ANYBODY, Caller.UNIT} & set(callers)
            if route.methods == {"GET"} or open_to_all or route.name in OWN:
                continue
            (method,) = route.methods or {"GET"}
            answer = await auditor.request(method, route.path_format.format(**VALUES), json={})
            # A rehearsal of a tariff computes and keeps nothing.
            assert answer.status_code in (401, 403) or Caller.AUDITOR in callers, route.name
            tried.append(route.name)
    assert len(tried) > 15
    assert await house.gateway.ledger.height() == height


async def test_a_certificate_that_audits_writes_nothing() -> None:
    """The rules refuse it every function that writes, with arguments that a gateway's identity may send."""
    aurora = await condominium()
    unit, wallet = await aurora.enrol(1), PartyWallet()
    await aurora.fund(wallet, 500)
    session = await aurora.open(wallet, unit)
    start = unit.evidence(session, aurora.now, 0)
    arguments: dict[str, list[Any]] = {
        "token.issue": [{"reference": "x", "wallet": wallet.id, "amount": 1}],
        "session.start": [session.encode(), start],
        "session.cancel": [session.encode()],
        "session.settle": [session.encode(), b"Remote", start],
    }
    for function in FUNCTIONS:
        if function.startswith(READ):
            continue
        try:
            result = await aurora.submit(function, *arguments.get(function, [b"{}"]), role="auditor")
        except ContractError:
            continue
        # What anybody may ask is a query: it answered, and wrote nothing.
        assert function.split(".")[1] in ("get", "key"), (function, result)
    assert (await aurora.evaluate("audit.session", session.encode()))["state"] == "opened"
    assert await aurora.balance(wallet) == 0


async def test_an_export_names_nobody(furnished: House) -> None:
    """Accounts, residents, flats and places stay in the database: not a byte of them is in any block."""
    house = furnished
    people = {"username": "maria.silva", "name": "Maria Silva", "role": "USER"}
    async with await house.caller("ADMIN") as admin:
        assert (await admin.post("/v1/accounts", json=people)).status_code == 201
        place = {"name": "Apartment nine", "location": "beside AA-12-BB"}
        assert (await admin.patch("/v1/units/7/settings", json=place)).is_success
    resident = await funded(house)
    assert (await resident.submit(resident.open_intent())).status_code == 201
    await house.clock.advance(600)
    async with await house.caller("AUDITOR") as auditor:
        export = (await auditor.get("/v1/ledger/export")).content
    blocks = [decode_block(line) for line in export.splitlines()]
    written = b"".join(body for block in blocks for body in block.transactions)
    assert resident.wallet.id.encode() in written
    for word in ("maria.silva", "maria silva", "apartment nine", "beside aa-12-bb"):
        assert word.encode() not in written.lower(), word


@pytest.mark.parametrize("target", ["/v1/wallets/{wallet}", "/v1/wallets/{wallet}/statement"])
async def test_a_wallets_own_pages_are_not_an_auditors(furnished: House, target: str) -> None:
    """What a wallet holds is on the ledger; its pages are for whoever signs with its key."""
    resident = await funded(furnished)
    async with await furnished.caller("AUDITOR") as auditor:
        answer = await auditor.get(target.format(wallet=resident.wallet.id))
    assert answer.status_code == 403
    assert json.loads(answer.content)["field"] == "caller"
