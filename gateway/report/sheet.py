"""Tables for spreadsheets: comma-separated values (RFC 4180) in which no cell can become a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from fastapi import Response

Cell = str | int | Decimal | None
MEDIA_TYPE = "text/csv"
_MARK = "\ufeff"
"""The byte order mark, without which spreadsheets read UTF-8 as something else."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a text begins with that a spreadsheet would calculate (OWASP, "CSV Injection")."""


def sheet(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The table as text. Numbers stay numbers; a text that could be a formula begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([_shown(cell) for cell in row] for row in rows)
    return _MARK + text.getvalue()


def download(name: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """The table as a file to be saved under `name`."""
    disposition = f'attachment; filename="{name}"'
    return Response(sheet(heads, rows), media_type=MEDIA_TYPE, headers={"Content-Disposition": disposition})


def amount(minor: int | None, decimals: int) -> Decimal | None:
    """Minor units of a token as the number that people write."""
    return None if minor is None else Decimal(minor).scaleb(-decimals)


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA) else cell
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
