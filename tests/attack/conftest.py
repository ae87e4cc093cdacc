"""A whole gateway to attack."""

from __future__ import annotations

from tests.gateway.conftest import founded, gateway_house, migrated_sqlite, sqlite_url
from tests.gateway.transaction.test_wallet_routes import furnished

__all__ = ["founded", "furnished", "gateway_house", "migrated_sqlite", "sqlite_url"]
