"""Random interleavings of all transactions: the books balance and repetition changes nothing, after each.

A state machine for Hypothesis; `test_properties` runs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
)
from nacl.signing import SigningKey

from chaincode.claim import PAYABLE, RECEIVABLE, Claim
from chaincode.errors import ContractError
from chaincode.escrow import Escrow
from chaincode.fields import encode
from chaincode.signing import domain
from chaincode.signing.intent import (
    MAX_VALIDITY,
    Intent,
    RedeemIntent,
    RevokeIntent,
    RotateKeyIntent,
    TransferIntent,
    intent_id,
    new_nonce,
)
from chaincode.signing.request import RequestKind, tag_hash
from tests.chaincode.books import Books
from tests.chaincode.memory import MemoryLedger
from tests.chaincode.world import (
    FLAT,
    HOUR,
    PartyCondominium,
    PartyUnit,
    PartyWallet,
    clearing,
    condominium,
    secret_of,
)

TAG = tag_hash(b"salt", b"04a2b3")
NO_TAG = bytes(16)
LATER = {"condominium.amend", "unit.enrol", "unit.retire"}
"""They say how something is to be: repeated after another one that said otherwise, they are meant."""
STEPS = ["start", "checkpoint", "settle"]
stretches = st.lists(st.integers(1, HOUR), min_size=1, max_size=3)
faults = st.sampled_from([{}, {}, {}, {"register": 1}, {"number": 1}])
loads = st.integers(0, 108)
"""Per cent of a unit's nominal power."""
houses, wallets, units = st.integers(0, 1), st.integers(0, 2), st.integers(0, 1)


@dataclass
class Opened:
    """A session that a machine may have opened."""

    host: PartyCondominium
    issuer: PartyCondominium
    wallet: int
    unit: PartyUnit
    id: str


class Interleavings(RuleBasedStateMachine):
    """Two condominiums with visitors, three wallets, a unit of each class at each."""

    accepted: ClassVar[Counter[str]] = Counter()
    sessions: Bundle[Opened] = Bundle("sessions")
    mandates: Bundle[Any] = Bundle("mandates")

    @initialize()
    def found(self) -> None:
        """Two condominiums with units and funded wallets."""
        self.loop = asyncio.new_event_loop()
        self.ledger = MemoryLedger()
        self.houses = [self.run(condominium(code, self.ledger)) for code in ("aurora", "boreal")]
        self.codes = [house.code for house in self.houses]
        self.units = {h.code: [self.run(h.enrol(1)), self.run(h.enrol(2, "mac"))] for h in self.houses}
        self.wallets = [PartyWallet() for _ in range(3)]
        self.keys = {(n, code): w.key for n, w in enumerate(self.wallets) for code in self.codes}
        self.meters = {(code, n): (self.ledger.now // 1000, 0) for code in self.codes for n in (1, 2)}
        self.tariffs = dict.fromkeys(self.codes, 1)
        self.references = itertools.count()
        self.bought: Counter[str] = Counter()
        self.redeemed: Counter[str] = Counter()
        self.done: list[tuple[PartyCondominium, str, tuple[bytes, ...]]] = []
        self.books: Books | None = None
        self.order: list[str] = []
        for house, wallet in itertools.product(range(2), range(3)):
            self.buy(house=house, wallet=wallet, amount=1_000)

    def run(self, awaitable: Any) -> Any:
        """Run to completion."""
        return self.loop.run_until_complete(awaitable)

    def teardown(self) -> None:
        """Every wallet finds all of its sessions, and none twice."""
        if not hasattr(self, "loop"):
            return
        for house in self.houses:
            kept = Books.read(self.ledger, self.codes, None).sessions(house.code).values()
            for wallet in self.wallets:
                found = self.run(house.evaluate("audit.sessions", {"wallet": wallet.id}))["sessions"]
                assert sorted(s["id"] for s in found) == sorted(s.id for s in kept if s.wallet == wallet.id)
        self.loop.close()

    def attempt(
        self, house: PartyCondominium, function: str, *arguments: bytes, role: str = "gateway"
    ) -> Any:
        """Submit, and where it is accepted a second later again: that says the same and writes nothing new.

        A rejection leaves the state as it was. After either the books balance."""
        before = {name: dict(space) for name, space in self.ledger.state.items()}
        try:
            answer = self.run(house.submit(function, *arguments, role=role))
        except ContractError:
            assert self.ledger.state == before
            return None
        after = {name: dict(space) for name, space in self.ledger.state.items()}
        self.ledger.now += 1_000
        assert self.run(house.submit(function, *arguments, role=role)) == answer
        assert self.ledger.state == after
        if function.startswith("session.open") and answer["id"] not in self.order:
            self.order.append(answer["id"])
        self.accepted[function] += 1
        self.done.append((house, function, arguments))
        self.bought[house.code] += answer["amount"] if function == "token.issue" else 0
        self.redeemed[house.code] += answer["amount"] if function == "token.redeem" and after != before else 0
        self.books = Books.read(self.ledger, self.codes, self.books)
        self.books.check(self.bought, self.redeemed)
        return answer

    def sign(self, wallet: int, issuer: PartyCondominium, intent: Intent) -> tuple[bytes, bytes]:
        """Body and signature, by the key that signs for the wallet at this issuer."""
        body = intent.encode()
        return body, domain.sign(secret_of(self.keys[wallet, issuer.code]), domain.INTENT, body)

    def common(self, wallet: int) -> dict[str, Any]:
        """The members that all intents have."""
        return {
            "network": self.ledger.channel,
            "wallet": self.wallets[wallet].id,
            "nonce": new_nonce(),
            "expires": self.ledger.now // 1000 + MAX_VALIDITY,
        }

    @rule(house=houses, wallet=wallets, amount=st.integers(1, 2_000))
    def buy(self, house: int, wallet: int, amount: int) -> None:
        """A resident buys tokens."""
        reference = f"p{next(self.references)}"
        request = {"reference": reference, "wallet": self.wallets[wallet].id, "amount": amount}
        assert self.attempt(self.houses[house], "token.issue", encode(request))

    @rule(
        target=sessions,
        house=houses,
        visitor=st.booleans(),
        wallet=wallets,
        unit=units,
        amount=st.integers(1, 900),
        duration=st.sampled_from([60, HOUR, 12 * HOUR, 48 * HOUR]),
        energy=st.none() | st.integers(1, 8_000),
    )
    def open(self, *, house: int, visitor: bool, wallet: int, unit: int, **terms: Any) -> Any:
        """A wallet opens a session, at home or as a visitor."""
        host, issuer = self.houses[house], self.houses[house ^ visitor]
        socket = self.units[host.code][unit]
        terms |= {
            "issuer": issuer.code,
            "tariff": self.tariffs[host.code],
            "expires": host.now + MAX_VALIDITY,
        }
        intent = host.intent(self.wallets[wallet], socket, **terms)
        body, signature = self.sign(wallet, issuer, intent)
        if not self.attempt(host, "session.open", body, signature):
            return multiple()
        return Opened(host, issuer, wallet, socket, intent_id(body))

    @rule(
        target=mandates,
        house=houses,
        visitor=st.booleans(),
        wallet=wallets,
        unit=st.none() | st.integers(1, 2),
        tapped=st.booleans(),
        session_cap=st.integers(1, 800),
        period_cap=st.integers(1, 1_500),
        period=st.sampled_from([HOUR, 24 * HOUR]),
        price_limit=st.sampled_from([250_000, 500_000]),
    )
    def grant(
        self, *, house: int, visitor: bool, wallet: int, unit: int | None, tapped: bool, **terms: int
    ) -> Any:
        """A wallet grants a mandate for taps or for plugging in."""
        host, issuer = self.houses[house], self.houses[house ^ visitor]
        places = (unit,) if unit else () if tapped else (1, 2)
        changes = {"issuer": issuer.code, "units": places, "tags": (TAG.hex(),) if tapped else ()}
        terms |= {"start_fee_limit": 30, "idle_price_limit": 50_000}
        intent = host.mandate_intent(self.wallets[wallet], TAG, **changes, **terms)
        body, signature = self.sign(wallet, issuer, intent)
        if not self.attempt(issuer, "mandate.grant", body, signature):
            return multiple()
        return (host, issuer, wallet, intent_id(body), tapped, places)

    @rule(mandate=mandates)
    def revoke(self, mandate: Any) -> None:
        """A wallet ends a mandate."""
        _, issuer, wallet, identity, *_ = mandate
        intent = RevokeIntent(**self.common(wallet), issuer=issuer.code, mandate=identity)
        self.attempt(issuer, "mandate.revoke", *self.sign(wallet, issuer, intent))

    @rule(target=sessions, mandate=mandates, unit=units, wrongly=st.sampled_from([False, False, True]))
    def tap(self, mandate: Any, unit: int, wrongly: bool) -> Any:
        """Somebody holds a tag to a reader, or plugs in; or does the one where the mandate says the other."""
        host, issuer, wallet, identity, tapped, places = mandate
        if wrongly:
            tapped ^= True
        elif len(places) == 1:
            unit = places[0] - 1
        socket = self.units[host.code][unit]
        kind, tag = (RequestKind.TAG, TAG) if tapped else (RequestKind.PLUGGED_IN, NO_TAG)
        request = encode({"mandate": identity, "issuer": issuer.code, "tariff": self.tariffs[host.code]})
        evidence = socket.request(host.now, tag, kind=kind)
        opened = self.attempt(host, "session.open_under_mandate", request, evidence)
        return Opened(host, issuer, wallet, socket, opened["id"]) if opened else multiple()

    @rule(session=sessions, seconds=stretches, percent=loads, step=st.sampled_from(STEPS), fault=faults)
    def read(self, session: Opened, seconds: list[int], percent: int, step: str, fault: Any = None) -> None:
        """The unit draws up to its nominal power, or a little more than it can, and its readings are used.

        With a fault the last reading is one that no honest meter gives after those before it."""
        place = (session.host.code, session.unit.number)
        time, register = self.meters[place]
        time = max(time, session.host.now)
        self.ledger.now = max(self.ledger.now, (time + sum(seconds)) * 1000)
        evidence = []
        for each in seconds if step != "start" else seconds[:1]:
            time += each
            register += 32_000 * 230 * each * percent // (3_600 * 100)
            evidence.append(session.unit.evidence(session.id, time, register))
        if fault:
            batch = session.unit.batch(session.id, time, register)
            evidence[-1] = session.unit.proof(replace(batch, **fault))
        reason = [b"Remote"] if step == "settle" else []
        answer = self.attempt(session.host, f"session.{step}", session.id.encode(), *reason, *evidence)
        if answer and answer["last"] and answer["last"]["time"] == time:
            self.meters[place] = (time, register)

    @rule(session=sessions, seconds=stretches, percent=loads, steps=st.integers(2, 3))
    def charge(self, session: Opened, seconds: list[int], percent: int, steps: int) -> None:
        """A session goes its way: started, read, and perhaps settled."""
        for step in STEPS[:steps]:
            self.read(session, seconds, percent, step)

    @rule(target=sessions, house=houses, wallet=wallets, unit=units, percent=loads, steps=st.integers(0, 3))
    def visit(self, *, house: int, wallet: int, unit: int, percent: int, steps: int) -> Any:
        """A visitor's whole session, or one that the host gives up."""
        terms = {"amount": 200, "duration": 12 * HOUR, "energy": None}
        opened = self.open(house=house, visitor=True, wallet=wallet, unit=unit, **terms)
        if isinstance(opened, Opened):
            for step in STEPS[:steps]:
                self.read(opened, [HOUR // 2], percent, step)
            if steps == 0:
                self.end(opened, "cancel")
            elif steps < len(STEPS):
                self.outlast(opened, "abandon")
        return opened

    @rule(session=sessions, step=st.sampled_from(["cancel", "settle", "abandon"]))
    def end(self, session: Opened, step: str) -> None:
        """The gateway ends a session without a further reading."""
        reason = [b"Other"] if step == "settle" else []
        self.attempt(session.host, f"session.{step}", session.id.encode(), *reason)

    @rule(session=sessions, step=st.sampled_from(["stop", "reclaim"]))
    def ask(self, session: Opened, step: str) -> None:
        """The wallet stops or reclaims."""
        make = session.host.stop_intent if step == "stop" else session.host.reclaim_intent
        intent = make(self.wallets[session.wallet], session.id)
        self.attempt(session.host, f"session.{step}", *self.sign(session.wallet, session.issuer, intent))

    @rule(session=sessions)
    def reclaim_from_issuer(self, session: Opened) -> None:
        """A visitor reclaims at home."""
        intent = session.issuer.reclaim_intent(self.wallets[session.wallet], session.id)
        self.attempt(session.issuer, "escrow.reclaim", *self.sign(session.wallet, session.issuer, intent))

    @rule(session=sessions, step=st.sampled_from(["reclaim", "reclaim_from_issuer", "abandon"]))
    def outlast(self, session: Opened, step: str) -> None:
        """Deadline and grace of an escrow pass, and somebody does what then may be done."""
        for escrow in (
            Books.read(self.ledger, self.codes, None).ledgers[session.issuer.code].all("escrow", Escrow)
        ):
            if escrow.session == session.id:
                self.ledger.now = max(self.ledger.now, (escrow.reclaim_after + 1) * 1000)
        if step == "reclaim_from_issuer":
            self.reclaim_from_issuer(session)
        elif step == "reclaim":
            self.ask(session, step)
        else:
            self.end(session, step)

    @rule(house=houses, wallet=wallets, taker=wallets, amount=st.integers(1, 500), back=st.booleans())
    def give(self, *, house: int, wallet: int, taker: int, amount: int, back: bool) -> None:
        """A wallet gives tokens to another, or back to their issuer."""
        host, terms = self.houses[house], self.common(wallet) | {"amount": amount}
        intent: Intent = TransferIntent(**terms, issuer=host.code, to=self.wallets[taker].id)
        if back:
            intent = RedeemIntent(**terms, issuer=host.code)
        self.attempt(host, "token.redeem" if back else "token.transfer", *self.sign(wallet, host, intent))

    @rule(house=houses, wallet=wallets)
    def rotate_wallet(self, house: int, wallet: int) -> None:
        """Another key signs for a wallet."""
        host, key = self.houses[house], SigningKey.generate()
        intent = RotateKeyIntent(**self.common(wallet), issuer=host.code, key=bytes(key.verify_key).hex())
        body, signature = self.sign(wallet, host, intent)
        proof = domain.sign(secret_of(key), domain.INTENT, body)
        if self.attempt(host, "wallet.rotate_key", body, signature, proof):
            self.keys[wallet, host.code] = key

    @rule(house=houses, unit=units, retire=st.booleans(), key_class=st.sampled_from([None, "ed25519", "mac"]))
    def service(self, *, house: int, unit: int, retire: bool, key_class: str | None) -> None:
        """A unit gets another key, or is retired, or new hardware goes up under its number if it was."""
        host, number = self.houses[house], {"unit": unit + 1}
        new = PartyUnit(unit + 1, host.code, self.ledger.channel, key_class or "", attesting=host.signing)
        key = {} if key_class == "mac" else {"key": bytes(new.key.verify_key).hex()}
        if retire and key_class:
            self.attempt(host, "unit.retire", encode(number))
        if key_class is None:
            if self.attempt(host, "unit.rotate_key", encode(number | key)):
                self.units[host.code][unit].key = new.key
            return
        socket = {"class": key_class, "nominal_current": 32_000, "nominal_voltage": 2_300, "phases": 1}
        if self.attempt(host, "unit.enrol", encode(number | socket | key)):
            self.units[host.code][unit] = new
            self.meters[host.code, unit + 1] = (host.now, 0)

    @rule(house=houses, grace=st.integers(HOUR, 4 * HOUR), rotate=st.booleans(), decimals=st.integers(2, 3))
    def amend(self, *, house: int, grace: int, rotate: bool, decimals: int) -> None:
        """A condominium changes its grace or its signing key, or tries to change its token."""
        host, key = self.houses[house], SigningKey.generate()
        request: dict[str, Any] = {"grace": grace, "decimals": decimals}
        if rotate:
            request["signing_key"] = bytes(key.verify_key).hex()
        if self.attempt(host, "condominium.amend", encode(request), role="admin") and rotate:
            host.signing = key
            for unit in self.units[host.code]:
                unit.attesting = key

    @rule(house=houses, price=st.integers(0, 400_000), idle=st.integers(0, 50_000), fee=st.integers(0, 30))
    def publish(self, house: int, price: int, idle: int, fee: int) -> None:
        """Other prices come into force, by day and by night."""
        host = self.houses[house]
        self.ledger.now += 1_000
        request = {
            "number": self.tariffs[host.code] + 1,
            "valid_from": host.now,
            "start_fee": fee,
            "bands": [*FLAT, {"name": "night", "energy_price": price, "idle_price": idle}],
            "week": [{"minute": 60 * hour, "band": hour // 4 % 2} for hour in range(0, 7 * 24, 4)],
            "offsets": [{"start": 0, "seconds": 3_600}],
        }
        if self.attempt(host, "tariff.publish", encode(request)):
            self.tariffs[host.code] += 1

    @rule(house=houses, leave_out=st.sampled_from([0, 0, 1]), off=st.sampled_from([0, 0, 0, 1]))
    def clear(self, house: int, leave_out: int, off: int) -> None:
        """The condominiums net what they owe each other, some of it or with a wrong sum."""
        first, second = self.houses[house], self.houses[house ^ 1]
        rows = Books.read(self.ledger, self.codes, None).ledgers[first.code].all("claim", Claim)
        named = sorted(rows, key=lambda each: self.order.index(each.session))[leave_out:]
        owed = {d: sum(c.amount for c in named if c.direction == d) for d in (PAYABLE, RECEIVABLE)}
        claims = sorted(each.session for each in named)
        sums = {"first_owes": owed[PAYABLE] + off, "second_owes": owed[RECEIVABLE]}
        done = self.attempt(first, "claim.clear", *clearing(first, second, claims=claims, **sums))
        assert not (done and off)

    @rule(seconds=st.integers(1, 8 * HOUR))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.ledger.now += seconds * 1000

    @rule(choice=st.integers(0, 10_000))
    def repeat(self, choice: int) -> None:
        """Any transaction that was accepted, again much later: the state stays as it is."""
        house, function, arguments = self.done[choice % len(self.done)]
        if function in LATER:
            return
        before = {name: dict(space) for name, space in self.ledger.state.items()}
        with contextlib.suppress(ContractError):
            self.run(house.submit(function, *arguments))
        assert self.ledger.state == before
