"""The base of request and answer bodies, and the kinds of member that several share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


class Request(BaseModel):
    """A request's JSON object: no member may be unknown, of another type, or not finite."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Answer(BaseModel):
    """An answer's JSON object."""

    model_config = ConfigDict(frozen=True)


def _printable(text: str) -> str:
    # PostgreSQL cannot store U+0000, and control characters in a name only serve to deceive its reader.
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("has no control characters")
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_printable)
]
"""A name or other short text on one line."""

Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_printable)]
"""A longer text on one line; may be empty."""

Instant = Annotated[int, Field(ge=0, le=2**53 - 1, description="Milliseconds since 1970.")]
"""A moment."""

Key = Annotated[int, Field(ge=1, le=2**53 - 1)]
"""A row's number; JSON numbers are exact up to 2⁵³ − 1."""
