"""Passwords: which are accepted, and how they are kept (argon2id, RFC 9106)."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from chaincode.errors import InvalidArgument
from gateway.rest.problem import ProblemError

SHORTEST = 12
LONGEST = 256
_DISTINCT = 4
_AT_ONCE = 2
_WAITING = 32


class Passwords:
    """Hashes and checks passwords in threads, a few at a time: each takes 64 MiB and a core."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """`hasher` is argon2-cffi's default, RFC 9106's second recommended choice, unless tests save time."""
        self._hasher = hasher or PasswordHasher()
        self._seats = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        # Checked for user names that do not exist, so that they take as long as those that do.
        self._decoy = self._hasher.hash("a password that nobody has")

    async def hash(self, password: str, username: str) -> str:
        """What is stored for `password`.

        Raises InvalidArgument where it is too short or long, all but one character, or the user name's."""
        password = _normal(password)
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidArgument("password", f"has {SHORTEST} to {LONGEST} characters")
        if len(set(password)) < _DISTINCT:
            raise InvalidArgument("password", f"has at least {_DISTINCT} different characters")
        if username in password.casefold():
            raise InvalidArgument("password", "does not contain the user name")
        async with self._seat():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one that was `stored`; never for None, in the same time."""
        async with self._seat():
            right = await asyncio.to_thread(self._verify, stored or self._decoy, _normal(password))
        return right and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    @asynccontextmanager
    async def _seat(self) -> AsyncIterator[None]:
        if self._waiting >= _WAITING:
            raise ProblemError(
                429,
                "too-many-requests",
                "login",
                "is one of a few at a time; try again",
                {"Retry-After": "2"},
            )
        self._waiting += 1
        try:
            async with self._seats:
                yield
        finally:
            self._waiting -= 1


def _normal(password: str) -> str:
    # The same characters may be composed differently by two keyboards (RFC 8265, section 4.2).
    return unicodedata.normalize("NFC", password)
