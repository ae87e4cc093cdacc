"""Condominiums on a real embedded ledger, so that there are blocks to verify."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from network.authority import Authority
from tests.client.residence import START, Bridge, Resident, opened, registered


@pytest.fixture(scope="session")
def authorities() -> dict[str, Authority]:
    """The condominiums' certificate authorities."""
    return {code: Authority.create(code, START) for code in ("aurora", "boreal")}


@pytest.fixture
async def bridge(tmp_path: Path, authorities: dict[str, Authority]) -> AsyncIterator[Bridge]:
    """A ledger without a condominium on it."""
    async with opened(tmp_path, authorities) as ledger:
        yield ledger


@pytest.fixture
async def aurora(bridge: Bridge, authorities: dict[str, Authority]) -> Resident:
    """A condominium at home on the ledger."""
    return await registered("aurora", bridge, authorities)
