"""The audit log for a spreadsheet."""

from __future__ import annotations

import csv
import io

from tests.gateway.house import House


async def test_the_sheet_has_what_the_filter_lets_through(gateway_house: House) -> None:
    """The detail is one cell of JSON, so a name in it begins no cell."""
    async with await gateway_house.caller("ADMIN") as admin:
        group = {"code": "garage", "name": "=1+1", "maximum_load": 7_360, "phases": 1}
        assert (await admin.post("/v1/groups", json=group)).status_code == 201
        answer = await admin.get("/v1/audit-log.csv", params={"operation": "create_group", "outcome": "done"})
    assert answer.headers["content-disposition"] == 'attachment; filename="audit-log.csv"'
    [row] = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert (row["name"], row["operation"], row["outcome"]) == ("admin", "create_group", "done")
    assert '"name": "=1+1"' in row["detail"]
    assert row["detail"][0] == "{"
