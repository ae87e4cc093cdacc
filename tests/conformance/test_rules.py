"""Every scenario of the rules' own tests, run once more on both ledgers at once."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest

from network.ledger import MVCC_READ_CONFLICT, VALID
from tests.chaincode import test_claim, test_mandate, test_session, world
from tests.conformance.conftest import Identities
from tests.conformance.pair import Pair, creators

pytestmark = [pytest.mark.fabric, pytest.mark.slow]

MODULES = (test_session, test_claim, test_mandate)
Scenario = Callable[..., Awaitable[None]]


def scenarios() -> list[object]:
    """Each scenario with its module and its own parameters."""
    found: list[object] = []
    for module in MODULES:
        short = module.__name__.rpartition(".")[2]
        for name, function in vars(module).items():
            if name.startswith("test_") and inspect.iscoroutinefunction(function):
                for number, arguments in enumerate(parameters(function)):
                    found.append(pytest.param(module, function, arguments, id=f"{short}-{name}-{number}"))
    return found


def parameters(function: Scenario) -> list[dict[str, Any]]:
    """The arguments of each of a scenario's cases, as its own `parametrize` marks give them."""
    cases: list[dict[str, Any]] = [{}]
    for mark in getattr(function, "pytestmark", []):
        if mark.name == "parametrize":
            names = mark.args[0] if not isinstance(mark.args[0], str) else mark.args[0].split(",")
            rows = [row if len(names) > 1 else (row,) for row in mark.args[1]]
            cases = [
                case | dict(zip((name.strip() for name in names), row, strict=True))
                for case in cases
                for row in rows
            ]
    return cases


async def test_two_gateways_settle_at_once(
    pair: Pair, identities: Identities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One wins and the other is told so, on both ledgers; the wallet pays once."""
    monkeypatch.setattr(world.PartyCondominium, "_creators", creators(identities))
    monkeypatch.setattr(world, "MemoryLedger", lambda: pair)
    house, wallet = await world.condominium(), world.PartyWallet()
    unit = await house.enrol(1)
    await house.fund(wallet, 1_000)
    session = await house.open(wallet, unit)
    await house.submit("session.start", session.encode(), unit.evidence(session, house.now, 0))
    last = unit.evidence(session, house.wait(world.HOUR), 5_000_000)
    call = (house.creator(), house.namespace, "session.settle", session.encode(), b"EVDisconnected", last)
    outcomes = await pair.together(call, call)
    assert {outcome.validation for outcome in outcomes} == {VALID, MVCC_READ_CONFLICT}
    assert await house.balance(wallet) == 900
    totals = await house.supply()
    assert (totals["income"], totals["escrow"], totals["balances"]) == (100, 0, 900)


@pytest.mark.parametrize(("module", "scenario", "arguments"), scenarios())
async def test_scenario(  # noqa: PLR0917  what fixtures and parameters it takes
    module: ModuleType,
    scenario: Scenario,
    arguments: dict[str, Any],
    pair: Pair,
    identities: Identities,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The scenario holds on both ledgers, and each of its steps has the same outcome on both."""
    monkeypatch.setattr(world.PartyCondominium, "_creators", creators(identities))
    monkeypatch.setattr(world, "MemoryLedger", lambda: pair)
    if hasattr(module, "MemoryLedger"):
        monkeypatch.setattr(module, "MemoryLedger", lambda: pair)
    await scenario(**arguments)
    assert pair.steps, "the scenario ran on no ledger"
