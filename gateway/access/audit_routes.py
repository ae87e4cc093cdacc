"""REST for the audit log: pages, the whole of it, and whether it is whole."""

from __future__ import annotations

import datetime
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from gateway.access.audit import AuditAltered, AuditLog, Entry, Filter, Head, Outcome
from gateway.rest import body, sheet
from gateway.rest.caller import Caller, allow
from gateway.rest.problem import ProblemError

Integer = Annotated[int | None, Query(ge=0, le=2**53 - 1)]
Operation = Annotated[str | None, Query(pattern="^[a-z_]{1,64}$")]


def _filter(
    account: Integer = None,
    operation: Operation = None,
    outcome: Outcome | None = None,
    since: Integer = None,
    until: Integer = None,
) -> Filter:
    """What a request asks for; `since` and `until` are milliseconds since 1970."""
    return Filter(account=account, operation=operation, outcome=outcome, since=since, until=until)


Chosen = Annotated[Filter, Depends(_filter)]


_HEADS = (
    "number", "time", "name", "role", "operation", "target", "outcome", "status", "address", "detail",
)  # fmt: skip


class EntryBody(body.Answer):
    """One entry of the audit log."""

    number: int
    time: body.Instant
    completes: int | None = Field(description="The number of the entry whose end this is.")
    account: int | None
    name: str
    role: str
    operation: str
    target: str
    detail: dict[str, Any]
    outcome: Outcome
    status: int | None
    address: str


class EntryPage(body.Answer):
    """Entries, newest first."""

    entries: list[EntryBody]
    next: int | None = Field(description="`before` for the next page; none on the last one.")


class HeadBody(body.Answer):
    """Where the log ends; keep it elsewhere and hand it back to learn whether the log still holds it."""

    number: int
    hash: str = Field(description="SHA-256 in hexadecimal.")


def router(audit: AuditLog) -> APIRouter:
    """The routes of the audit log."""
    routes = APIRouter(tags=["audit log"])
    readers = [allow(Caller.ADMIN, Caller.AUDITOR)]

    @routes.get("/v1/audit-log", dependencies=readers, summary="Entries of the audit log, newest first")
    async def read_audit_log(
        chosen: Chosen, before: Integer = None, limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> EntryPage:
        """`since` and `until` are milliseconds since 1970."""
        found = await audit.page(replace(chosen, before=before), limit + 1)
        page = found[:limit]
        return EntryPage(
            entries=[EntryBody(**asdict(entry)) for entry in page],
            next=page[-1].number if len(found) > limit else None,
        )

    @routes.get(
        "/v1/audit-log/export",
        dependencies=readers,
        summary="The audit log, one JSON object a line, oldest first",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/x-ndjson": {}}}},
    )
    async def export_audit_log(chosen: Chosen) -> StreamingResponse:
        """Each line has its `hash`, which covers the line before, so the whole can be checked elsewhere."""
        return StreamingResponse(_lines(audit, chosen), media_type="application/x-ndjson")

    @routes.get(
        "/v1/audit-log.csv",
        dependencies=readers,
        summary="The audit log for a spreadsheet, oldest first",
        response_class=StreamingResponse,
        responses={200: {"content": {sheet.MEDIA_TYPE: {}}}},
    )
    async def export_audit_sheet(chosen: Chosen) -> StreamingResponse:
        """For people: it has no hashes. Times in UTC (ISO 8601)."""
        return StreamingResponse(
            _rows(audit, chosen), media_type=sheet.MEDIA_TYPE, headers=sheet.attached("audit-log.csv")
        )

    @routes.get("/v1/audit-log/head", dependencies=readers, summary="Check the whole audit log")
    async def verify_audit_log(
        number: Integer = None,
        digest: Annotated[str | None, Query(alias="hash", pattern="^[0-9a-f]{64}$")] = None,
    ) -> HeadBody:
        """With `number` and `hash` from an earlier answer, also that the log still goes on from there."""
        if (number is None) != (digest is None):
            raise ProblemError(422, "invalid-argument", "hash", "comes together with number")
        known = Head(number, bytes.fromhex(digest)) if number is not None and digest is not None else None
        try:
            head = await audit.verify(known)
        except AuditAltered as error:
            raise ProblemError(409, "audit-altered", "audit-log", str(error)) from error
        return HeadBody(number=head.number, hash=head.hash.hex())

    return routes


async def _lines(audit: AuditLog, chosen: Filter) -> AsyncIterator[str]:
    async for entry, digest in audit.export(chosen):
        yield _line(entry, digest)


async def _rows(audit: AuditLog, chosen: Filter) -> AsyncIterator[str]:
    for head in sheet.sheet(_HEADS, ()):
        yield head
    async for entry, _ in audit.export(chosen):
        time = datetime.datetime.fromtimestamp(entry.time / 1000, datetime.UTC)
        detail = json.dumps(entry.detail, sort_keys=True, ensure_ascii=False) if entry.detail else ""
        yield sheet.line(
            (
                entry.number, time.isoformat(timespec="milliseconds"), entry.name, entry.role,
                entry.operation, entry.target, str(entry.outcome), entry.status, entry.address, detail,
            )
        )  # fmt: skip


def _line(entry: Entry, digest: bytes) -> str:
    return json.dumps(asdict(entry) | {"hash": digest.hex()}, ensure_ascii=False) + "\n"
