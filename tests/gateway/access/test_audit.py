"""Every operation is on the audit log, and the log shows when it was altered."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import Connection, delete, text, update
from sqlalchemy.exc import DBAPIError

from gateway.access.audit import AuditAltered, AuditLog, Filter, Outcome
from gateway.access.records import AUDIT
from gateway.clock import SimulatedClock
from gateway.rest.caller import Caller, Principal
from gateway.store.database import Database
from gateway.store.errors import Full
from tests.gateway.house import PASSWORD, START, House

SOMEBODY = Principal(Caller.OPERATOR, "rita", account=3, session="s")


@pytest.fixture
def log(any_database: Database) -> AuditLog:
    """An empty log, on both databases."""
    return AuditLog(any_database, SimulatedClock(START))


async def _two(log: AuditLog) -> None:
    for status in (200, 409):
        number = await log.begin(SOMEBODY, "change_group", "/v1/groups/a", "10.0.0.1")
        await log.finish(number, status, {"maximum_load": 5000})


def _unlocked(connection: Connection) -> None:
    """What somebody does who owns the database."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("DROP TRIGGER audit_entry_no_update"))
        connection.execute(text("DROP TRIGGER audit_entry_no_delete"))
    else:
        connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))


async def test_an_operation_has_a_beginning_and_an_end(log: AuditLog) -> None:
    """The end names the beginning, the outcome and what was noted."""
    await _two(log)
    entries = await log.page(Filter(), 10)
    assert [(e.number, e.completes, e.outcome, e.status) for e in entries] == [
        (4, 3, Outcome.REFUSED, 409),
        (3, None, Outcome.BEGUN, None),
        (2, 1, Outcome.DONE, 200),
        (1, None, Outcome.BEGUN, None),
    ]
    assert entries[0].detail == {"maximum_load": 5000}
    assert {(e.name, e.role, e.account, e.target, e.address) for e in entries} == {
        ("rita", "OPERATOR", 3, "/v1/groups/a", "10.0.0.1")
    }


async def test_the_log_is_append_only(any_database: Database, log: AuditLog) -> None:
    """The database itself refuses to change or remove a row."""
    await _two(log)
    for change in (update(AUDIT).values(name="nobody"), delete(AUDIT)):
        with pytest.raises(DBAPIError, match="append-only"):
            await any_database.write(lambda c, change=change: c.execute(change))  # type: ignore[misc]
    assert (await log.verify()).number == 4


@pytest.mark.parametrize(
    "change",
    [
        update(AUDIT).where(AUDIT.c.number == 2).values(outcome="refused"),
        update(AUDIT).where(AUDIT.c.number == 2).values(detail="{}"),
        update(AUDIT).where(AUDIT.c.number == 2).values(time=0),
        update(AUDIT).where(AUDIT.c.number == 2).values(hash=bytes(32)),
        delete(AUDIT).where(AUDIT.c.number == 2),
    ],
    ids=["outcome", "detail", "time", "hash", "removed"],
)
async def test_an_altered_row_is_named(any_database: Database, log: AuditLog, change: Any) -> None:
    """By whoever owns the database and takes its triggers away."""
    await _two(log)
    await any_database.write(_unlocked)
    await any_database.write(lambda c: c.execute(change))
    with pytest.raises(AuditAltered) as caught:
        await log.verify()
    assert caught.value.number == 2


async def test_a_kept_head_shows_a_log_cut_off_or_written_anew(any_database: Database, log: AuditLog) -> None:
    """The chain alone cannot show that its end is missing; a head kept elsewhere does."""
    await _two(log)
    head = await log.verify()
    await log.begin(SOMEBODY, "log_out", "/v1/logout", "")
    assert (await log.verify(head)).number == 5
    await any_database.write(_unlocked)
    await any_database.write(lambda c: c.execute(delete(AUDIT).where(AUDIT.c.number > 2)))
    assert (await log.verify()).number == 2
    with pytest.raises(AuditAltered):
        await log.verify(head)
    for _ in range(3):
        await log.begin(SOMEBODY, "log_out", "/v1/logout", "")
    with pytest.raises(AuditAltered):
        await log.verify(head)


async def test_gateways_that_write_at_once_make_one_chain(any_url: str) -> None:
    """Two gateways on one database: every entry is there, numbered without gap or double."""
    clock = SimulatedClock(START)
    first, second = await Database.open(any_url), await Database.open(any_url)
    logs = [AuditLog(first, clock), AuditLog(second, clock)]

    async def write(log: AuditLog) -> None:
        for _ in range(15):
            await log.begin(SOMEBODY, "log_out", "/v1/logout", "")

    await asyncio.gather(*(write(log) for log in logs))
    assert (await logs[0].verify()).number == 30
    await first.close()
    await second.close()


async def test_entries_are_filtered_and_paged(log: AuditLog) -> None:
    """By account, operation, outcome and time; pages follow each other without overlap."""
    for _ in range(5):
        await _two(log)
    assert len(await log.page(Filter(outcome=Outcome.REFUSED), 100)) == 5
    assert await log.page(Filter(account=4), 100) == []
    assert await log.page(Filter(operation="log_out"), 100) == []
    assert await log.page(Filter(since=START + 1), 100) == []
    assert len(await log.page(Filter(since=START, until=START + 1), 100)) == 20
    first = await log.page(Filter(), 12)
    second = await log.page(Filter(before=first[-1].number), 12)
    assert [e.number for e in (*first, *second)] == list(range(20, 0, -1))


async def test_every_change_over_rest_is_recorded(gateway_house: House) -> None:
    """Logins, what was changed, and what was refused; reading is not."""
    number = await gateway_house.person("maria")
    async with (
        await gateway_house.caller("ADMIN") as admin,
        await gateway_house.caller("OPERATOR") as operator,
    ):
        await admin.patch(f"/v1/accounts/{number}", json={"locked": True})
        await operator.patch("/v1/accounts/1", json={"locked": True})
        await operator.patch("/v1/accounts/1", json={"locked": "perhaps"})
        await operator.get("/v1/accounts")
        before = (await admin.get("/v1/audit-log")).json()["entries"]
        done = [e for e in before if e["operation"] == "change_account" and e["outcome"] != "begun"]
    assert [(e["name"], e["outcome"], e["status"], e["detail"]) for e in done] == [
        ("operator", "refused", 422, {}),
        ("operator", "refused", 403, {"locked": True}),
        ("admin", "done", 200, {"locked": True}),
    ]
    assert done[-1]["target"] == f"/v1/accounts/{number}" and done[-1]["address"] == "127.0.0.1"
    assert "list_accounts" not in {e["operation"] for e in before}
    assert {"log_in", "accept_invitation", "create_account"} <= {e["operation"] for e in before}
    assert PASSWORD not in json.dumps(before)


async def test_failed_logins_are_recorded_under_the_name_that_was_tried(gateway_house: House) -> None:
    """Whoever looks for guesses finds them."""
    await gateway_house.caller("ADMIN")
    async with gateway_house.client() as nobody, await gateway_house.caller("ADMIN") as admin:
        await nobody.post("/v1/login", json={"username": "ghost", "password": "boo boo boo boo"})
        params = {"operation": "log_in", "outcome": "refused"}
        (entry,) = (await admin.get("/v1/audit-log", params=params)).json()["entries"]
    assert (entry["name"], entry["account"], entry["role"]) == ("ghost", None, "")


async def test_what_cannot_be_recorded_is_not_done(
    gateway_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a full disk the operation is refused before it begins."""
    number = await gateway_house.person("maria")

    async def full(*_: object) -> int:
        raise Full("the disk is full")

    async with await gateway_house.caller("ADMIN") as admin:
        with monkeypatch.context() as patch:
            patch.setattr(gateway_house.gateway.audit, "begin", full)
            response = await admin.patch(f"/v1/accounts/{number}", json={"locked": True})
        assert (response.status_code, response.json()["code"]) == (503, "store-error")
        assert (await admin.get(f"/v1/accounts/{number}")).json()["locked"] is False


async def test_the_export_can_be_checked_elsewhere(gateway_house: House) -> None:
    """One object a line, oldest first, as many as the head says, its hash the head's."""
    await gateway_house.person("maria")
    async with await gateway_house.caller("AUDITOR") as auditor:
        lines = (await auditor.get("/v1/audit-log/export")).text.splitlines()
        head = (await auditor.get("/v1/audit-log/head")).json()
        entries = [json.loads(line) for line in lines]
        assert [e["number"] for e in entries] == list(range(1, len(entries) + 1))
        assert (entries[-1]["number"], entries[-1]["hash"]) == (head["number"], head["hash"])
        assert (await auditor.get("/v1/audit-log/head", params=head)).status_code == 200
        other = head | {"hash": "00" * 32}
        response = await auditor.get("/v1/audit-log/head", params=other)
        assert (response.status_code, response.json()["code"]) == (409, "audit-altered")
        assert (await auditor.get("/v1/audit-log/head", params={"number": 1})).status_code == 422
