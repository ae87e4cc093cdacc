"""Reports over REST: the projections' rows, added up by the condominium's days."""

from __future__ import annotations

import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import Table, insert

from gateway.projection.records import CLAIM, PURCHASE, SESSION, STATEMENT
from tests.gateway.house import START, House

NOW = START // 1000
DAY = 86_400
HOME = "riverside"
EVENING = int(datetime.datetime(2025, 7, 1, 23, 30, tzinfo=datetime.UTC).timestamp())
"""Already 2 July in Lisbon."""
WALLET = "ab" * 32


async def _put(house: House, table: Table, **values: Any) -> None:
    await house.gateway.database.write(lambda c: c.execute(insert(table), values) and None)


async def _session(house: House, number: int, ended: int, **changes: Any) -> str:
    """A session that ended; its id."""
    identity = f"{number:064x}"
    values = {
        "session": identity,
        "host": HOME,
        "unit": 7,
        "wallet": WALLET,
        "issuer": HOME,
        "state": "settled",
        "opened_at": ended - 7_200,
        "started_at": ended - 7_000,
        "ended_at": ended,
        "amount": 500,
        "cost": 120,
        "refund": 380,
        "energy": 6_500_000,
        "reason": "StoppedByEV",
        "attested": False,
        "record": "{}",
        "position": number,
    }
    await _put(house, SESSION, **(values | changes))
    return identity


async def _trade(house: House) -> None:
    """A sale, a session at home, a visitor's, a resident's elsewhere, and tokens given back."""
    await _put(
        house, PURCHASE, issuer=HOME, reference="RF1", wallet=WALLET, amount=2_000,
        issued_at=EVENING, transaction="t1", position=1,
    )  # fmt: skip
    await _session(house, 1, EVENING)
    visitor = await _session(house, 2, EVENING + DAY, issuer="quinta", cost=90, refund=10)
    away = await _session(house, 3, EVENING + DAY, host="quinta", cost=70)
    claim = {"at": EVENING + DAY, "clearing": None}
    await _put(house, CLAIM, host=HOME, issuer="quinta", session=visitor, amount=90, **claim)
    await _put(house, CLAIM, host="quinta", issuer=HOME, session=away, amount=70, **claim)
    await _put(
        house, STATEMENT, position=9, line=0, wallet=WALLET, issuer=HOME, time=(EVENING + DAY) * 1_000,
        kind="redemption", amount=-25, session=None, transaction="t2",
    )  # fmt: skip


async def _get(house: House, path: str, **parameters: Any) -> httpx.Response:
    async with await house.caller("AUDITOR") as client:
        return await client.get(path, params=parameters)


async def test_money_is_added_up_by_the_condominiums_days(gateway_house: House) -> None:
    """Half past eleven in UTC is the next day in Lisbon; other condominiums' money is kept apart."""
    await _trade(gateway_house)
    report = (await _get(gateway_house, "/v1/reports/money", since=EVENING - DAY, until=NOW)).json()
    nothing = dict.fromkeys(("sold", "sales", "income", "visitors", "abroad", "redeemed"), 0)
    assert report["steps"] == [
        {"start": "2025-07-02", **nothing, "sold": 2_000, "sales": 1, "income": 120}
        | {"refunded": 380, "sessions": 1, "energy": 6_500},
        {"start": "2025-07-03", **nothing, "visitors": 90, "abroad": 70, "redeemed": 25}
        | {"refunded": 10, "sessions": 1, "energy": 6_500},
    ]


async def test_a_month_is_one_row_of_the_sheet(gateway_house: House) -> None:
    """As a file, with money as people write it."""
    await _trade(gateway_house)
    answer = await _get(gateway_house, "/v1/reports/money.csv", since=EVENING - DAY, until=NOW, by="month")
    assert answer.headers["content-disposition"] == 'attachment; filename="money.csv"'
    assert answer.text.splitlines()[1:] == ["2025-07-01,20.00,1,1.20,0.90,0.70,3.90,0.25,2,13000"]


async def test_sessions_are_reported_for_a_unit_and_a_period(gateway_house: House) -> None:
    """By when they were opened; those elsewhere are not this condominium's."""
    first = await _session(gateway_house, 1, NOW - DAY)
    await _session(gateway_house, 2, NOW - DAY, unit=8)
    await _session(gateway_house, 3, NOW - 40 * DAY)
    await _session(gateway_house, 4, NOW - DAY, host="quinta")
    report = (await _get(gateway_house, "/v1/reports/sessions", unit=7)).json()
    assert [(each["session"], each["energy"]) for each in report["sessions"]] == [(first, 6_500)]
    assert report["complete"]
    sheet = await _get(gateway_house, "/v1/reports/sessions.csv", unit=7)
    [_, row] = sheet.text.splitlines()
    assert row.endswith(",6500,5.00,1.20,3.80,no")


@pytest.mark.parametrize(("most", "complete"), [(2, True), (1, False)])
async def test_a_report_that_is_cut_says_so(
    gateway_house: House, monkeypatch: pytest.MonkeyPatch, most: int, complete: bool
) -> None:
    """In the answer, and in a last row of the sheet; exactly as many as fit are all there are."""
    monkeypatch.setattr("gateway.report.sessions.MOST", most)
    await _session(gateway_house, 1, NOW - DAY)
    newest = await _session(gateway_house, 2, NOW - DAY)
    report = (await _get(gateway_house, "/v1/reports/sessions")).json()
    assert (report["complete"], len(report["sessions"])) == (complete, most)
    lines = (await _get(gateway_house, "/v1/reports/sessions.csv")).text.splitlines()
    assert lines[1].startswith(newest)
    cut = "Only the newest 1 sessions are listed: choose a shorter period." + "," * 13
    assert lines[1 + most :] == ([] if complete else [cut])


async def test_claims_come_page_by_page_in_both_directions(
    gateway_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newest first, each once."""
    monkeypatch.setattr("gateway.projection.claims.PAGE", 2)
    for number in range(5):
        host, issuer = (HOME, "quinta") if number % 2 else ("quinta", HOME)
        await _put(
            gateway_house, CLAIM, host=host, issuer=issuer, session=f"{number:064x}", amount=number + 1,
            at=NOW + number // 2, clearing=None,
        )  # fmt: skip
    seen: list[int] = []
    bookmark = ""
    while True:
        page = (await _get(gateway_house, "/v1/claims", bookmark=bookmark)).json()
        seen += [row["amount"] for row in page["rows"]]
        bookmark = page["bookmark"]
        if not bookmark:
            break
    assert seen == [5, 4, 3, 2, 1]


async def test_a_draft_that_could_not_be_published_is_refused(gateway_house: House) -> None:
    """With the ledger's own words, and nothing is tried."""
    band = {"name": "day", "energy_price": 1}
    async with await gateway_house.caller("OPERATOR") as client:
        refused = await client.post("/v1/tariffs/rehearsal", json={"bands": [band, band]})
        tried = await client.post("/v1/tariffs/rehearsal", json={"bands": [band]})
    assert (refused.status_code, refused.json()["field"]) == (422, "week")
    assert (tried.status_code, tried.json()["lines"], tried.json()["before"]) == (200, [], 0)
    assert tried.json()["complete"]
