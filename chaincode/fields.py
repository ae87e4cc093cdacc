"""Strict JSON for everything that people and gateways send: intents, requests, stored records.

A reader takes each member by name and rule and refuses what is left over, doubled, of another type or
out of range, naming the field. Numbers are integers; floats do not exist here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from chaincode.errors import InvalidArgument

MAX_BYTES = 16_384
MAX_BOOKMARK = 400
MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON implementation keeps exactly (RFC 8259, section 6)."""

CODE = re.compile(r"[a-z][a-z0-9]{2,15}")
"""A condominium's code."""
_Value = TypeVar("_Value")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")


def encode(members: dict[str, Any]) -> bytes:
    """Deterministic JSON: sorted names, no white space, UTF-8."""
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Fields:
    """The members of one JSON object, read once each."""

    __slots__ = ("_members", "_path")

    def __init__(self, members: dict[str, Any], path: str = "") -> None:
        self._members = dict(members)
        self._path = path

    @classmethod
    def parse(cls, body: bytes, what: str) -> Fields:
        """Read the object in `body`; `what` names it in errors. Raises InvalidArgument."""
        if len(body) > MAX_BYTES:
            raise InvalidArgument(what, f"has at most {MAX_BYTES} bytes")
        try:
            members = _DECODER.decode(body.decode())
        except UnicodeDecodeError:
            raise InvalidArgument(what, "is UTF-8") from None
        except (json.JSONDecodeError, RecursionError):
            raise InvalidArgument(what, "is one JSON object") from None
        except ValueError as error:
            # int() refuses thousands of digits with a plain ValueError.
            raise InvalidArgument(what, "has integers of a sensible length") from error
        if not isinstance(members, dict):
            raise InvalidArgument(what, "is one JSON object")
        return cls(members, "")

    def integer(self, name: str, low: int = 0, high: int = MAX_INTEGER) -> int:
        """An integer from `low` to `high`."""
        value = self._take(name)
        if type(value) is not int or not low <= value <= high:
            self._refuse(name, f"is an integer from {low} to {high}")
        return value

    def text(
        self, name: str, pattern: re.Pattern[str] | None = None, longest: int = 200, shortest: int = 1
    ) -> str:
        """A string of `shortest` to `longest` characters that matches `pattern` from end to end."""
        value = self._take(name)
        if not isinstance(value, str) or not shortest <= len(value) <= longest:
            self._refuse(name, f"is a string of {shortest} to {longest} characters")
        if pattern is not None and pattern.fullmatch(value) is None:
            self._refuse(name, f"matches {pattern.pattern}")
        if "\x00" in value or "\U0010ffff" in value:
            self._refuse(name, "has neither U+0000 nor U+10FFFF")
        self._require_characters(name, value)
        return value

    def bookmark(self) -> str:
        """The optional `bookmark`: where a page begins, as the page before it said; empty for the first.

        It is a key of the world state, and so holds what `text` refuses."""
        value = self._members.pop("bookmark", None)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > MAX_BOOKMARK:
            self._refuse("bookmark", f"is a string of at most {MAX_BOOKMARK} characters")
        self._require_characters("bookmark", value)
        return value

    def choice(self, name: str, *choices: str) -> str:
        """One of `choices`."""
        value = self._take(name)
        if not isinstance(value, str) or value not in choices:
            self._refuse(name, f"is one of {', '.join(choices)}")
        return value

    def hexadecimal(self, name: str, length: int) -> str:
        """Lower-case hexadecimal of `length` bytes."""
        value = self._take(name)
        if not isinstance(value, str) or len(value) != 2 * length or _HEX.fullmatch(value) is None:
            self._refuse(name, f"is {length} bytes in lower-case hexadecimal")
        return value

    def boolean(self, name: str) -> bool:
        """true or false."""
        value = self._take(name)
        if not isinstance(value, bool):
            self._refuse(name, "is true or false")
        return value

    def members(self, name: str, longest: int) -> list[Any]:
        """A list of at most `longest` members."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) > longest:
            self._refuse(name, f"is a list of at most {longest} members")
        return value

    def object(self, name: str) -> Fields:
        """One object, to be read in turn."""
        value = self._take(name)
        if not isinstance(value, dict):
            self._refuse(name, "is an object")
        return Fields(value, f"{self._path}{name}.")

    def objects(self, name: str, longest: int) -> list[Fields]:
        """A list of at most `longest` objects, each to be read in turn."""
        values = self.members(name, longest)
        if not all(isinstance(value, dict) for value in values):
            self._refuse(name, "holds objects alone")
        return [Fields(value, f"{self._path}{name}[{i}].") for i, value in enumerate(values)]

    def integers(self, name: str, longest: int, low: int, high: int) -> tuple[int, ...]:
        """A list of at most `longest` integers from `low` to `high`, strictly rising."""
        values = self.members(name, longest)
        if not all(type(v) is int and low <= v <= high for v in values) or values != sorted(set(values)):
            self._refuse(name, f"holds integers from {low} to {high}, strictly rising")
        return tuple(values)

    def hexadecimals(self, name: str, longest: int, length: int) -> tuple[str, ...]:
        """A list of at most `longest` values of `length` bytes each, strictly rising."""
        values = self.members(name, longest)
        good = all(isinstance(v, str) and len(v) == 2 * length and _HEX.fullmatch(v) for v in values)
        if not good or values != sorted(set(values)):
            self._refuse(name, f"holds {length}-byte lower-case hexadecimal values, strictly rising")
        return tuple(values)

    def optional(self, name: str, read: Callable[[str], _Value]) -> _Value | None:
        """What `read` reads, or None where the member is absent or null."""
        if self._members.get(name) is None:
            self._members.pop(name, None)
            return None
        return read(name)

    def done(self) -> None:
        """Refuse members that nobody read."""
        if self._members:
            name = min(self._members)
            raise InvalidArgument(self._path + name, "is not a member of this object")

    def _require_characters(self, name: str, value: str) -> None:
        """JSON can spell half of a surrogate pair, which no encoding of Unicode can hold."""
        if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
            self._refuse(name, "has whole characters, no halves of surrogate pairs")

    def _take(self, name: str) -> Any:
        try:
            return self._members.pop(name)
        except KeyError:
            raise InvalidArgument(self._path + name, "is required") from None

    def _refuse(self, name: str, rule: str) -> NoReturn:
        raise InvalidArgument(self._path + name, rule)


def _no_float(text: str) -> NoReturn:
    raise InvalidArgument(text[:40], "is an integer: floating-point numbers are not accepted")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        raise InvalidArgument(next(n for n in names if names.count(n) > 1), "appears once")
    return members


_DECODER = json.JSONDecoder(object_pairs_hook=_no_doubles, parse_float=_no_float, parse_constant=_no_float)
