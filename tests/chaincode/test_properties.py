"""Random interleavings of all transactions: supply, escrow and idempotence hold after each."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from chaincode.errors import ContractError
from chaincode.escrow import Escrow
from chaincode.fields import encode
from chaincode.meter import Meter
from chaincode.session import Session
from chaincode.signing.intent import RedeemIntent, TransferIntent, intent_id, new_nonce
from chaincode.stub import split_composite_key
from tests.chaincode.memory import MemoryLedger
from tests.chaincode.world import HOUR, PartyCondominium, PartyUnit, PartyWallet, condominium

Signed = tuple[PartyCondominium, str, tuple[bytes, ...]]


class Interleavings(RuleBasedStateMachine):
    """Two condominiums with visitors, three wallets, a unit of each class at each."""

    sessions: Bundle[Any] = Bundle("sessions")

    @initialize()
    def found(self) -> None:
        """Two condominiums with units and funded wallets."""
        self.loop = asyncio.new_event_loop()
        self.ledger = MemoryLedger()
        self.houses = [self.run(condominium(code, self.ledger)) for code in ("aurora", "boreal")]
        self.units: dict[str, list[PartyUnit]] = {}
        for house in self.houses:
            self.units[house.code] = [self.run(house.enrol(1)), self.run(house.enrol(2, "mac"))]
        self.wallets = [PartyWallet() for _ in range(3)]
        self.registers = {(h.code, n): 0 for h in self.houses for n in (1, 2)}
        self.references = itertools.count()
        self.done: list[Signed] = []

    def run(self, awaitable: Any) -> Any:
        """Run to completion."""
        return self.loop.run_until_complete(awaitable)

    def teardown(self) -> None:
        """Close the loop."""
        if hasattr(self, "loop"):
            self.loop.close()

    def attempt(self, house: PartyCondominium, function: str, *arguments: bytes) -> Any:
        """Submit; a rejection must leave the state as it was."""
        before = {name: dict(space) for name, space in self.ledger.state.items()}
        try:
            answer = self.run(house.submit(function, *arguments))
        except ContractError:
            assert self.ledger.state == before
            return None
        self.done.append((house, function, arguments))
        return answer

    @rule(house=st.integers(0, 1), wallet=st.integers(0, 2), amount=st.integers(1, 2_000))
    def buy(self, house: int, wallet: int, amount: int) -> None:
        """A resident buys tokens."""
        reference = f"p{next(self.references)}"
        request = {"reference": reference, "wallet": self.wallets[wallet].id, "amount": amount}
        assert self.attempt(self.houses[house], "token.issue", encode(request))

    @rule(
        target=sessions,
        house=st.integers(0, 1),
        issuer=st.integers(0, 1),
        wallet=st.integers(0, 2),
        unit=st.integers(0, 1),
        amount=st.integers(1, 1_500),
        duration=st.integers(60, 6 * HOUR),
    )
    def open(self, *, house: int, issuer: int, wallet: int, unit: int, amount: int, duration: int) -> Any:
        """A wallet opens a session, at home or as a visitor."""
        host, who = self.houses[house], self.wallets[wallet]
        socket = self.units[host.code][unit]
        intent = host.intent(who, socket, issuer=self.houses[issuer].code, amount=amount, duration=duration)
        body, signature = who.sign(intent)
        self.attempt(host, "session.open", body, signature)
        return (host, who, socket, intent_id(body))

    @rule(
        session=sessions,
        energy=st.integers(0, 4_000_000),
        step=st.sampled_from(["start", "checkpoint", "settle"]),
    )
    def read(self, session: Any, energy: int, step: str) -> None:
        """The unit reports and the gateway uses the reading."""
        host, _, unit, identity = session
        place = (host.code, unit.number)
        evidence = unit.evidence(identity, host.now, self.registers[place] + energy)
        arguments = [identity.encode(), evidence]
        if step == "settle":
            arguments.insert(1, b"Remote")
        answer = self.attempt(host, f"session.{step}", *arguments)
        if answer and answer["last"] and answer["last"]["register"] == self.registers[place] + energy:
            self.registers[place] += energy

    @rule(session=sessions, step=st.sampled_from(["cancel", "settle"]))
    def end(self, session: Any, step: str) -> None:
        """The gateway ends a session without a further reading."""
        host, _, _, identity = session
        self.attempt(host, f"session.{step}", identity.encode(), *([b"Other"] if step == "settle" else []))

    @rule(session=sessions, step=st.sampled_from(["stop", "reclaim"]))
    def ask(self, session: Any, step: str) -> None:
        """The wallet stops or reclaims."""
        host, wallet, _, identity = session
        intent = (
            host.stop_intent(wallet, identity) if step == "stop" else host.reclaim_intent(wallet, identity)
        )
        self.attempt(host, f"session.{step}", *wallet.sign(intent))

    @rule(session=sessions, house=st.integers(0, 1))
    def reclaim_from_issuer(self, session: Any, house: int) -> None:
        """A visitor reclaims at home."""
        host, wallet, _, identity = session
        intent = host.reclaim_intent(wallet, identity)
        self.attempt(self.houses[house], "escrow.reclaim", *wallet.sign(intent))

    @rule(
        house=st.integers(0, 1), giver=st.integers(0, 2), taker=st.integers(0, 2), amount=st.integers(1, 500)
    )
    def transfer(self, house: int, giver: int, taker: int, amount: int) -> None:
        """A wallet gives tokens to another."""
        host, who = self.houses[house], self.wallets[giver]
        intent = TransferIntent(
            network=self.ledger.channel,
            wallet=who.id,
            nonce=new_nonce(),
            expires=host.now + 60,
            issuer=host.code,
            to=self.wallets[taker].id,
            amount=amount,
        )
        self.attempt(host, "token.transfer", *who.sign(intent))

    @rule(house=st.integers(0, 1), wallet=st.integers(0, 2), amount=st.integers(1, 500))
    def redeem(self, house: int, wallet: int, amount: int) -> None:
        """A wallet gives tokens back."""
        host, who = self.houses[house], self.wallets[wallet]
        intent = RedeemIntent(
            network=self.ledger.channel,
            wallet=who.id,
            nonce=new_nonce(),
            expires=host.now + 60,
            issuer=host.code,
            amount=amount,
        )
        self.attempt(host, "token.redeem", *who.sign(intent))

    @rule(seconds=st.integers(1, 8 * HOUR))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.ledger.now += seconds * 1000

    @rule(choice=st.integers(0, 10_000))
    def repeat(self, choice: int) -> None:
        """Any transaction that was accepted, again: the state stays as it is, or it is refused."""
        if not self.done:
            return
        house, function, arguments = self.done[choice % len(self.done)]
        before = {name: dict(space) for name, space in self.ledger.state.items()}
        with contextlib.suppress(ContractError):
            self.run(house.submit(function, *arguments))
        assert self.ledger.state == before

    @invariant()
    def supply_is_exact(self) -> None:
        """issued = balances + escrow + income + redeemed, in each namespace."""
        for house in getattr(self, "houses", []):
            terms = self.run(house.supply())
            assert terms["issued"] == sum(terms.values()) - terms["issued"]

    @invariant()
    def escrow_belongs_to_running_sessions(self) -> None:
        """A session holds its escrow as long as it runs, and a meter serves only a started session."""
        records: dict[tuple[str, str], Session] = {}
        escrows: dict[str, Escrow] = {}
        for space in self.ledger.state.values() if hasattr(self, "ledger") else ():
            for key, value in space.items():
                kind, attributes = split_composite_key(key)
                if kind == "session":
                    records[kind, attributes[0]] = Session.decode(value)
                elif kind == "escrow":
                    escrows[attributes[0]] = Escrow.decode(value)
        running = {r.id: r for r in records.values() if r.state in ("opened", "started")}
        assert set(escrows) <= set(running)
        for identity, escrow in escrows.items():
            assert escrow.amount == running[identity].amount
        for space in self.ledger.state.values() if hasattr(self, "ledger") else ():
            for key, value in space.items():
                if split_composite_key(key)[0] == "meter" and (busy := Meter.decode(value).session):
                    assert records["session", busy].state == "started"


Interleavings.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestInterleavings = pytest.mark.slow(Interleavings.TestCase)
