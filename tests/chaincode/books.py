"""The books: what every state of the ledger must add up to, whatever transactions led to it.

Read from the records alone, as an auditor would who is handed the world state.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

from chaincode.claim import PAYABLE, RECEIVABLE, Claim, Clearing
from chaincode.condominium import namespace_of
from chaincode.escrow import Escrow, Income, Release
from chaincode.mandate import Mandate, Spending
from chaincode.meter import Meter
from chaincode.record import Record
from chaincode.session import ABANDONED, CANCELLED, ENDED, OPENED, RECLAIMED, STARTED, Session
from chaincode.stub import split_composite_key
from chaincode.tariff import Tariff
from chaincode.token import Balance, Purchase, Redemption
from chaincode.unit import Unit
from tests.chaincode.memory import MemoryLedger

_R = TypeVar("_R", bound=Record)
OPEN = (OPENED, STARTED, ABANDONED)
_STEADY = (
    "id", "unit", "unit_class", "unit_key", "unit_generation", "wallet", "issuer", "wallet_key", "tariff",
    "tariff_hash", "amount", "decimals", "opened_at", "deadline", "reclaim_after", "energy_limit", "leave",
    "mandate",
)  # fmt: skip
"""What no transaction changes of a session."""


@dataclass
class Ledger:
    """One namespace's records, by kind."""

    code: str
    rows: dict[str, list[tuple[tuple[str, ...], bytes]]] = field(default_factory=lambda: defaultdict(list))

    def all(self, kind: str, record: type[_R]) -> list[_R]:
        """Every record of a kind."""
        return [record.decode(value) for _, value in self.rows[kind]]

    def sum(self, kind: str, record: type[Any]) -> int:
        """The amounts of a kind's records together."""
        return sum(each.amount for each in self.all(kind, record))

    def released(self) -> dict[str, Release]:
        """How visitors' escrows ended, by session."""
        return {each.session: each for each in self.all("release", Release)}

    def claims(self, direction: str, kind: str) -> dict[tuple[str, str], Claim]:
        """Claims by counterparty and session."""
        found = self.all(kind, Claim)
        return {(each.counterparty, each.session): each for each in found if each.direction == direction}


@dataclass
class Books:
    """All condominiums' records at one moment, and the same a step before."""

    ledgers: dict[str, Ledger]
    before: Books | None = None

    @classmethod
    def read(cls, ledger: MemoryLedger, codes: list[str], before: Books | None) -> Books:
        """The books of these condominiums; `before` is forgotten but for the last step."""
        books = {}
        for code in codes:
            own = books[code] = Ledger(code)
            for key, value in ledger.state.get(namespace_of(code), {}).items():
                kind, attributes = split_composite_key(key)
                own.rows[kind].append((attributes, value))
        if before is not None:
            before.before = None
        return cls(books, before)

    def sessions(self, host: str) -> dict[str, Session]:
        """A host's sessions by id."""
        return {each.id: each for each in self.ledgers[host].all("session", Session)}

    def check(self, bought: dict[str, int], redeemed: dict[str, int]) -> None:
        """Everything that must hold; the sums are what residents paid and were given back by condominium."""
        for own in self.ledgers.values():
            self._check_supply(own, bought[own.code], redeemed[own.code])
            self._check_escrow(own)
            self._check_meters(own)
            self._check_mandates(own)
            for other in self.ledgers.values():
                if other is not own:
                    self._check_claims(host=own, issuer=other)
        for host in self.ledgers:
            for session in self.sessions(host).values():
                self._check_settled(host, session)
        if self.before is not None:
            self._check_kept(self.before)

    def _check_supply(self, own: Ledger, bought: int, redeemed: int) -> None:
        assert own.sum("purchase", Purchase) == bought
        assert own.sum("redemption", Redemption) == redeemed
        assert all(each.amount >= 0 for each in own.all("balance", Balance))
        terms = [("balance", Balance), ("escrow", Escrow), ("income", Income), ("redemption", Redemption)]
        assert sum(own.sum(kind, record) for kind, record in terms) == bought

    def _check_escrow(self, issuer: Ledger) -> None:
        """What is in escrow is what open sessions hold: each its own amount, and nothing besides.

        Less only those whose wallet has reclaimed from the issuer what a vanished host did not settle."""
        reclaimed = {session for session, release in issuer.released().items() if release.reclaimed}
        held = {each.session: (each.host, each.wallet, each.amount) for each in issuer.all("escrow", Escrow)}
        owed = {
            each.id: (host, each.wallet, each.amount)
            for host in self.ledgers
            for each in self.sessions(host).values()
            if each.issuer == issuer.code and each.state in OPEN and each.id not in reclaimed
        }
        assert held == owed

    def _check_meters(self, own: Ledger) -> None:
        """A meter serves the one started session of its unit, and no energy is in two sessions."""
        sessions = self.sessions(own.code)
        busy = sorted(each.session for each in own.all("meter", Meter) if each.session)
        assert busy == sorted(each.id for each in sessions.values() if each.state == STARTED)
        used = defaultdict(list)
        for each in sessions.values():
            if each.first is not None and each.last is not None:
                assert each.first.register <= each.last.register
                meter = (each.unit, each.unit_generation)
                used[meter].append((each.first.register, each.last.register))
                billed = sum(usage.energy for usage in each.usage)
                assert billed <= each.last.register - each.first.register
                assert each.energy_limit is None or billed <= each.energy_limit
        for spans in used.values():
            assert all(one[1] <= two[0] for one, two in pairwise(sorted(spans)))

    def _check_settled(self, host: str, session: Session) -> None:
        """An ended session's cost and refund are its escrow, and its cost is the issuer's income row."""
        issuer = self.ledgers[session.issuer]
        income = {each.session: each for each in issuer.all("income", Income)}.get(session.id)
        paid = 0 if income is None else income.amount
        assert income is None or (income.payee == host and income.amount > 0)
        if session.state in ENDED and session.state != CANCELLED:
            assert session.settlement is not None
            assert session.settlement.cost + session.settlement.refund == session.amount
            assert session.settlement.cost == paid
        elif session.state == CANCELLED or session.id not in issuer.released():
            assert paid == 0
        if session.state == RECLAIMED and session.first is None:
            assert paid == 0

    def _check_claims(self, host: Ledger, issuer: Ledger) -> None:
        """What a host may claim is what its visitors' issuer owes, the same open and cleared.

        The issuer alone knows of what was reclaimed from it, until the host ends its session too."""
        sessions = self.sessions(host.code)
        unsettled = {
            session
            for session, release in issuer.released().items()
            if release.reclaimed and session in sessions and sessions[session].state in (*OPEN, CANCELLED)
        }
        for kind in ("claim", "cleared-claim"):
            due = host.claims(RECEIVABLE, kind)
            owed = issuer.claims(PAYABLE, kind)
            terms = {(s, c.amount, c.issuer, c.clearing) for (to, s), c in due.items() if to == issuer.code}
            other = {(s, c.amount, c.issuer, c.clearing) for (to, s), c in owed.items() if to == host.code}
            assert terms <= other
            assert {each[0] for each in other - terms} <= (unsettled if kind == "claim" else set())
        for (_, session), claim in {**host.claims(RECEIVABLE, "claim")}.items():
            assert sessions[session].settlement is not None
            assert sessions[session].settlement.cost == claim.amount  # type: ignore[union-attr]
        assert {c.id for c in host.all("clearing", Clearing) if issuer.code in (c.first, c.second)} == {
            c.id for c in issuer.all("clearing", Clearing) if host.code in (c.first, c.second)
        }

    def _check_mandates(self, issuer: Ledger) -> None:
        """A mandate has spent what its sessions hold and have paid, within its caps."""
        spent: dict[str, int] = defaultdict(int)
        caps = {each.id: each for each in issuer.all("mandate", Mandate)}
        for (mandate, *_), value in issuer.rows["mandate-spending"]:
            amount = Spending.decode(value).amount
            assert 0 <= amount <= caps[mandate].period_cap
            spent[mandate] += amount
        income = {each.session: each.amount for each in issuer.all("income", Income)}
        used: dict[str, int] = defaultdict(int)
        for escrow in issuer.all("escrow", Escrow):
            if escrow.mandate is not None:
                assert escrow.amount <= caps[escrow.mandate].session_cap
                used[escrow.mandate] += escrow.amount
        for host in self.ledgers:
            for session in self.sessions(host).values():
                if session.mandate is not None and session.issuer == issuer.code:
                    assert host == caps[session.mandate].condominium
                    used[session.mandate] += income.get(session.id, 0)
        assert {k: v for k, v in spent.items() if v} == {k: v for k, v in used.items() if v}

    def _check_kept(self, before: Books) -> None:
        """No step rewrites what is past: ended sessions, tariffs, a session's terms, a meter's readings."""
        for code, old in before.ledgers.items():
            own, now = self.ledgers[code], self.sessions(code)
            for each in before.sessions(code).values():
                after = now[each.id]
                assert each.state not in ENDED or after == each
                assert all(getattr(after, name) == getattr(each, name) for name in _STEADY)
            for kind in ("tariff", "purchase", "income", "redemption", "transfer", "release", "clearing"):
                assert set(old.rows[kind]) <= set(own.rows[kind]), kind
            generations = {each.number: each.generation for each in own.all("unit", Unit)}
            meters = dict(own.rows["meter"])
            previous = {each.number: each.generation for each in old.all("unit", Unit)}
            for attributes, value in old.rows["meter"]:
                last, then = Meter.decode(meters[attributes]).last, Meter.decode(value).last
                if then is not None and generations == previous:
                    assert last is not None
                    assert last == then or last.number > then.number
                    assert last.register >= then.register
                    assert last.time >= then.time
            assert [t.number for t in own.all("tariff", Tariff)]
