"""What a gateway answers, read strictly member by member (docs/rest.md). Members not named are ignored.

Every `read` raises `InvalidArgument` naming the member that is missing or of another form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chaincode.fields import CODE, Fields

_LONG_TEXT = 2_000
_PEM = 8_000


@dataclass(frozen=True, slots=True)
class Condominium:
    """Who a gateway belongs to."""

    code: str
    name: str
    network: str
    currency: str
    decimals: int
    tariff: int | None
    """The number of the tariff in force."""
    root_certificate: str

    @classmethod
    def read(cls, fields: Fields) -> Condominium:
        """Read `GET /v1/condominium`."""
        tariff = fields.optional("tariff", fields.object)
        return cls(
            code=fields.text("code", CODE),
            name=fields.text("name"),
            network=fields.text("network", longest=64),
            currency=fields.text("currency", longest=16),
            decimals=fields.integer("decimals", 0, 9),
            tariff=None if tariff is None else tariff.integer("number", 1),
            root_certificate=fields.text("root_certificate", longest=_PEM),
        )


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as anybody may see it."""

    unit: int
    state: str
    reason: str | None
    location: str | None

    @classmethod
    def read(cls, fields: Fields) -> Unit:
        """Read a row of `GET /v1/units`."""
        return cls(
            unit=fields.integer("unit", 0, 65_535),
            state=fields.text("state"),
            reason=fields.optional("reason", _long(fields)),
            location=fields.optional(
                "location", lambda name: fields.text(name, longest=_LONG_TEXT, shortest=0)
            ),
        )


@dataclass(frozen=True, slots=True)
class Purchase:
    """Tokens asked for, and whether the condominium has been paid."""

    reference: str
    amount: int
    state: str
    transaction: str | None

    @classmethod
    def read(cls, fields: Fields) -> Purchase:
        """Read the answer to a purchase."""
        return cls(
            reference=fields.text("reference"),
            amount=fields.integer("amount", 1),
            state=fields.text("state"),
            transaction=fields.optional("transaction", fields.text),
        )


@dataclass(frozen=True, slots=True)
class Balance:
    """What a wallet has and what its sessions hold, in minor units of `issuer`'s token."""

    wallet: str
    issuer: str
    balance: int
    escrow: int

    @classmethod
    def read(cls, fields: Fields) -> Balance:
        """Read `GET /v1/wallets/{wallet}`."""
        return cls(
            wallet=fields.hexadecimal("wallet", 32),
            issuer=fields.text("issuer", CODE),
            balance=fields.integer("balance"),
            escrow=fields.integer("escrow"),
        )


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One movement of a wallet's tokens; a negative amount left the balance."""

    time: int
    kind: str
    amount: int
    session: str | None
    transaction: str

    @classmethod
    def read(cls, fields: Fields) -> StatementRow:
        """Read a row of a statement."""
        return cls(
            time=fields.integer("time"),
            kind=fields.text("kind"),
            amount=fields.integer("amount", -(10**15), 10**15),
            session=fields.optional("session", lambda name: fields.hexadecimal(name, 32)),
            transaction=fields.text("transaction"),
        )


@dataclass(frozen=True, slots=True)
class Mandate:
    """A standing permission, in minor units of `issuer`'s token and Unix seconds."""

    mandate: str
    issuer: str
    condominium: str
    units: tuple[int, ...]
    tags: tuple[str, ...]
    session_cap: int
    period_cap: int
    period: int
    spent: int
    until: int
    duration: int
    price_limit: int
    revoked: int | None

    def stands(self, now: int) -> bool:
        """Whether it may still open sessions."""
        return self.revoked is None and now <= self.until

    @classmethod
    def read(cls, fields: Fields) -> Mandate:
        """Read a row of a wallet's mandates."""
        return cls(
            mandate=fields.hexadecimal("mandate", 32),
            issuer=fields.text("issuer", CODE),
            condominium=fields.text("condominium", CODE),
            units=fields.integers("units", 64, 0, 65_535),
            tags=fields.hexadecimals("tags", 16, 16),
            session_cap=fields.integer("session_cap", 1),
            period_cap=fields.integer("period_cap", 1),
            period=fields.integer("period", 1),
            spent=fields.integer("spent"),
            until=fields.integer("until"),
            duration=fields.integer("duration"),
            price_limit=fields.integer("price_limit"),
            revoked=fields.optional("revoked", fields.integer),
        )


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that was just held to a unit's reader."""

    tag: str
    unit: int
    time: int

    @classmethod
    def read(cls, fields: Fields) -> Tag:
        """Read a row of a wallet's tags."""
        return cls(
            tag=fields.hexadecimal("tag", 16),
            unit=fields.integer("unit", 0, 65_535),
            time=fields.integer("time"),
        )


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it stands; units and states as docs/rest.md says."""

    session: str
    wallet: str
    condominium: str
    issuer: str
    unit: int
    tariff: int
    state: str
    activity: str
    reason: str | None
    position: int | None
    opened: int
    started: int | None
    """Unix seconds of the first reading; None where none was counted."""
    ended: int | None
    deadline: int
    escrow: int
    cost: int
    refund: int | None
    energy: int
    power: int
    attested: bool
    stopped_reason: str | None

    @property
    def over(self) -> bool:
        """Whether it has ended and its money is settled."""
        return self.state in ("settled", "cancelled", "reclaimed")

    @classmethod
    def read(cls, fields: Fields) -> Session:
        """Read a session."""
        return cls(
            session=fields.hexadecimal("session", 32),
            wallet=fields.hexadecimal("wallet", 32),
            condominium=fields.text("condominium", CODE),
            issuer=fields.text("issuer", CODE),
            unit=fields.integer("unit", 0, 65_535),
            tariff=fields.integer("tariff", 1),
            state=fields.choice(
                "state", "opened", "started", "abandoned", "settled", "cancelled", "reclaimed"
            ),
            activity=fields.text("activity"),
            reason=fields.optional("reason", _long(fields)),
            position=fields.optional("position", lambda name: fields.integer(name, 1)),
            opened=fields.integer("opened"),
            started=fields.optional("started", fields.integer),
            ended=fields.optional("ended", fields.integer),
            deadline=fields.integer("deadline"),
            escrow=fields.integer("escrow"),
            cost=fields.integer("cost"),
            refund=fields.optional("refund", fields.integer),
            energy=fields.integer("energy"),
            power=fields.integer("power"),
            attested=fields.boolean("attested"),
            stopped_reason=fields.optional("stopped_reason", fields.text),
        )


def _long(fields: Fields) -> Callable[[str], str]:
    return lambda name: fields.text(name, longest=_LONG_TEXT)
