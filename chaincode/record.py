"""Records: what the rules keep in the world state, as deterministic JSON.

A record is a frozen dataclass; its members are stored under their own names, sorted, with the record's
`version`. Members that are None are stored as null, so that a reader sees every member's name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, ClassVar, Self

from chaincode.fields import encode

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Base of everything stored; nested records and tuples of them are named in `nested`."""

    nested: ClassVar[dict[str, type[Record]]] = {}

    def members(self) -> dict[str, Any]:
        """This record as JSON's types."""
        return {name: _plain(getattr(self, name)) for name in _names(type(self))}

    def encode(self) -> bytes:
        """The bytes that the world state keeps."""
        return encode({**self.members(), "version": VERSION})

    @classmethod
    def of(cls, members: dict[str, Any]) -> Self:
        """The record whose `members` these are; it trusts them, as they come from the world state."""
        values: dict[str, Any] = {}
        for name in _names(cls):
            value: Any = members[name]
            kind = cls.nested.get(name)
            if isinstance(value, list):
                values[name] = tuple(kind.of(each) if kind else _frozen(each) for each in value)
            elif kind is not None and value is not None:
                values[name] = kind.of(value)
            else:
                values[name] = value
        return cls(**values)

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """The record that `encode` stored. Records are immutable, so one that was read before is used again:
        every transaction reads the condominium, a tariff and a unit."""
        kind: Any = cls
        record: Self = _decoded(kind, value)
        return record


@lru_cache(maxsize=2048)
def _decoded(record: Any, value: bytes) -> Any:
    return record.of(json.loads(value))


def _names(record: type[Record]) -> tuple[str, ...]:
    names = _NAMES.get(record)
    if names is None:
        names = _NAMES[record] = tuple(field.name for field in fields(record))
    return names


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.members()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value


_NAMES: dict[type[Record], tuple[str, ...]] = {}
