"""An embedded ledger with two condominiums, on a clock that tests set."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from network.authority import Authority
from network.embedded.ledger import EmbeddedLedger
from network.identity import Identity
from network.organisation import Organisation
from tests import register

CHANNEL = "testing"
AURORA = "condocharge-aurora"
BOREAL = "condocharge-boreal"
START = datetime.datetime(2019, 5, 1, tzinfo=datetime.UTC)


@dataclass
class Site:
    """Everything that it takes to open one ledger, again and again."""

    path: Path
    aurora: Authority
    boreal: Authority
    gateway: Identity
    visitor: Identity
    signer: Identity
    now: int = int(START.timestamp() * 1000) + 86_400_000

    @property
    def organisations(self) -> list[Organisation]:
        """The members, as fresh verifiers."""
        return [Organisation(a.msp_id, a.root) for a in (self.aurora, self.boreal)]

    async def open(self, **changes: Any) -> EmbeddedLedger:
        """Open the ledger; any option can be changed."""
        options: dict[str, Any] = {
            "channel": CHANNEL,
            "identity": self.gateway,
            "signer": self.signer,
            "organisations": self.organisations,
            "dispatch": register.dispatch,
            "now": lambda: self.now,
        }
        return await EmbeddedLedger.open(changes.pop("path", self.path), **(options | changes))


@pytest.fixture(scope="session")
def authorities() -> tuple[Authority, Authority]:
    """Two condominiums' certificate authorities."""
    return Authority.create("aurora", START), Authority.create("boreal", START)


@pytest.fixture(scope="session")
def identities(authorities: tuple[Authority, Authority]) -> tuple[Identity, Identity, Identity]:
    """Aurora's gateway, Boreal's gateway, and Aurora's ledger."""
    aurora, boreal = authorities
    return (
        aurora.issue("gateway", "gateway", START),
        boreal.issue("gateway", "gateway", START),
        aurora.issue("ledger", "ledger", START),
    )


@pytest.fixture
def site(
    tmp_path: Path, authorities: tuple[Authority, Authority], identities: tuple[Identity, Identity, Identity]
) -> Site:
    """A place for a ledger that does not exist yet."""
    return Site(tmp_path / "ledger.db", *authorities, *identities)


@pytest.fixture
async def ledger(site: Site) -> AsyncIterator[EmbeddedLedger]:
    """A new ledger, as Aurora's gateway sees it."""
    async with await site.open() as opened:
        yield opened
