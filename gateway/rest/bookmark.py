"""Lists by page: at most so many rows, and a bookmark at which the next page begins."""

from __future__ import annotations

import re
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import Field

from chaincode.errors import InvalidArgument
from gateway.rest import body

_Row = TypeVar("_Row")
_FORM = re.compile(r"([0-9]{1,18})(?:\.([A-Za-z0-9._-]{1,64}))?")

Bookmark = Annotated[str, Query(max_length=100, description="From the page before; absent for the first.")]


class Page(body.Answer, Generic[_Row]):
    """Rows, newest first."""

    rows: list[_Row]
    bookmark: str = Field(description="Where the next page begins; empty after the last.")


def number(bookmark: str) -> int | None:
    """The number in a bookmark, None in the first page's. Raises InvalidArgument."""
    return None if not bookmark else pair(bookmark)[0]


def pair(bookmark: str) -> tuple[int, str]:
    """The number and the text in a bookmark. Raises InvalidArgument."""
    match = _FORM.fullmatch(bookmark)
    if match is None or (not match[2] and "." in bookmark):
        raise InvalidArgument("bookmark", "is one that a page before gave")
    return int(match[1]), match[2] or ""


def following(rows: int, size: int, *parts: int | str) -> str:
    """The bookmark after a page of `rows` rows where pages have `size`."""
    return ".".join(str(part) for part in parts) if rows == size else ""
