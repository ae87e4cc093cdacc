"""Values of the newest durable state that were used lately, so that hot keys are not read from the file.

Only submitted transactions read through it: what they read is checked at commit. Queries read a snapshot of
the file, because nothing checks whether the values that they put together were ever so at one moment.
"""

from __future__ import annotations

from network.embedded.snapshot import Value

_CAPACITY = 64 << 20
"""Bytes of keys and values, roughly."""
_ENTRY = 200
"""Bytes that an entry takes beside its value, roughly."""


class StateCache:
    """Values by namespace and key; when it is full, those that came first go first."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._values: dict[tuple[str, str], Value] = {}
        self._capacity = capacity
        self._size = 0

    def get(self, namespace: str, key: str) -> Value | None:
        """The value of a key, None where it is not here."""
        return self._values.get((namespace, key))

    def put(self, namespace: str, key: str, value: Value) -> None:
        """Remember the value that a key now has."""
        place = (namespace, key)
        self._drop(self._values.pop(place, None))
        self._values[place] = value
        self._size += _ENTRY + (0 if value.value is None else len(value.value))
        while self._size > self._capacity:
            self._drop(self._values.pop(next(iter(self._values))))

    def _drop(self, value: Value | None) -> None:
        if value is not None:
            self._size -= _ENTRY + (0 if value.value is None else len(value.value))
