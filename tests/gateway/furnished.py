"""A gateway with something in it, and what of it no refused request may change."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from tests.gateway.process import Process, serving

UNTOUCHED = (
    "account",
    "invitation",
    "unit_group",
    "unit_settings",
    "secret",
    "pending_purchase",
    "reading_batch",
)
"""Tables that no refused request may change. Sessions, failed logins and the audit log are left out: a
refused operation is recorded, and should be."""


@contextmanager
def furnished(directory: Path) -> Iterator[Process]:
    """A gateway with an administrator, a group, a unit and a tariff, so that more than 404 can be met."""
    with serving(directory) as running:
        token = running.admin()
        with httpx.Client(base_url=running.url, headers={"authorization": f"Bearer {token}"}) as admin:
            group = {"code": "garage", "name": "Garage", "maximum_load": 11_000}
            unit = {
                "unit": 7,
                "class": "mac",
                "nominal_current": 16_000,
                "nominal_voltage": 2_300,
                "phases": 1,
                "settings": {"name": "Bay 7", "group": "garage"},
            }
            tariff = {"bands": [{"name": "all day", "energy_price": 183_400}]}
            for path, body in (("groups", group), ("units", unit), ("tariffs", tariff)):
                assert admin.post(f"/v1/{path}", json=body).status_code == 201
        yield running


def fingerprint(directory: Path) -> str:
    """The digest of everything that a refused request must leave as it is, the ledger included."""
    digest = hashlib.sha256()
    with closing(sqlite3.connect(directory / "gateway.sqlite")) as connection:
        for table in UNTOUCHED:
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1"):
                digest.update(repr(row).encode())
    with closing(sqlite3.connect(directory / "ledger.sqlite")) as connection:
        digest.update(repr(connection.execute("SELECT count(*), max(number) FROM block").fetchall()).encode())
    return digest.hexdigest()
