"""Tables for spreadsheets: comma-separated values (RFC 4180) in which no cell can become a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from fastapi import Response

Cell = str | int | Decimal | None
MEDIA_TYPE = "text/csv"
_MARK = "\ufeff"
"""The byte order mark, without which spreadsheets read UTF-8 as something else."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a text begins with that a spreadsheet would calculate (OWASP, "CSV Injection")."""
_INNER = re.compile(r"""([;\t\r\n]["\s]*)([=+\-@＝＋－＠])""")
"""A formula behind what parts cells where commas do not: a spreadsheet whose language writes decimals with a
comma takes semicolons, and then our quotes hold nothing together."""


def sheet(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The table, line by line. Numbers stay numbers; a text that could be a formula begins with an
    apostrophe, and so does what could be one if the text were parted at semicolons, tabs or lines."""
    yield _MARK + line(heads)
    for row in rows:
        yield line(row)


def line(cells: Sequence[Cell]) -> str:
    """One row."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_shown(cell) for cell in cells])
    return text.getvalue()


def download(name: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """The table as a file to be saved under `name`."""
    return Response("".join(sheet(heads, rows)), media_type=MEDIA_TYPE, headers=attached(name))


def attached(name: str) -> dict[str, str]:
    """The headers of an answer that is to be saved under `name` (RFC 6266)."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def amount(minor: int | None, decimals: int) -> Decimal | None:
    """Minor units of a token as the number that people write."""
    return None if minor is None else Decimal(minor).scaleb(-decimals)


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        text = _INNER.sub(r"\1'\2", cell)
        return f"'{text}" if text.startswith(_FORMULA) else text
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
