"""Checking that creators signed their proposals, between simulating a transaction and ordering it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chaincode.signing import domain
from chaincode.signing.certificate import Certificate
from network.embedded import signature_process
from network.embedded.pending import Pending
from network.ledger import EndorseError

_MOST = 256
_WORTHWHILE = 8
"""Signatures that are worth the way to another process."""


class CreatorCheck:
    """Hands on, in order, the transactions whose creators signed them; refuses the others.

    Few are checked at once, here. Many are checked by another process where there is a second core; it is
    started when it is first of use, and done without should it ever fail."""

    def __init__(self, forward: Callable[[Pending], None], *, helped: bool | None = None) -> None:
        """`helped` says whether to use another process; without it, where there are two cores."""
        self._forward = forward
        self._waiting: list[Pending] = []
        self._arrived = asyncio.Event()
        self._closing = False
        if helped is None:
            helped = (os.cpu_count() or 1) > 1
        self._helper = _Helper() if helped else None
        self._points: dict[int, bytes] = {}
        self._task = asyncio.get_running_loop().create_task(self._work())

    @property
    def process_id(self) -> int | None:
        """The other process's id, once it is ready."""
        return None if self._helper is None else self._helper.process_id

    def take(self, pending: Pending) -> None:
        """Check a transaction and hand it on, or tell its submitter."""
        self._waiting.append(pending)
        self._arrived.set()

    async def close(self) -> None:
        """Check what waits, then stop."""
        self._closing = True
        self._arrived.set()
        await self._task
        if self._helper is not None:
            self._helper.close()

    async def _work(self) -> None:
        while self._waiting or not self._closing:
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            for pending, signed in zip(batch, await self._check(batch), strict=True):
                if signed:
                    self._forward(pending)
                else:
                    sentence = "the creator's signature does not fit the proposal"
                    pending.outcome.set_exception(EndorseError(sentence, pending.signed.transaction_id))

    async def _check(self, batch: Sequence[Pending]) -> Sequence[bool | int]:
        if self._helper is not None and len(batch) >= _WORTHWHILE:
            answer = await self._helper.check([self._as_check(pending) for pending in batch])
            if answer is not None:
                return answer
        return [
            pending.creator.verifies(domain.PROPOSAL + pending.signed.payload, pending.signed.signature)
            for pending in batch
        ]

    def _as_check(self, pending: Pending) -> signature_process.Check:
        digest = sha256(domain.PROPOSAL + pending.signed.payload).digest()
        return self._point(pending.creator), digest, pending.signed.signature

    def _point(self, creator: Certificate) -> bytes:
        point = self._points.get(creator.serial)
        if point is None:
            point = creator.key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            self._points[creator.serial] = point
        return point


class _Helper:
    """The other process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = ThreadPoolExecutor(1, "ledger-signatures")
        self._starting: asyncio.Future[bool] | None = None

    @property
    def process_id(self) -> int | None:
        """Its id, once it is ready."""
        started = self._starting is not None and self._starting.done() and self._starting.result()
        return self._process.pid if started and self._process is not None else None

    async def check(self, checks: Sequence[signature_process.Check]) -> bytes | None:
        """One byte for each signature, 1 where it verifies; None where the process cannot say (yet)."""
        loop = asyncio.get_running_loop()
        if self._starting is None:
            self._starting = loop.run_in_executor(self._thread, self._start)
        if self.process_id is None:
            return None
        return await loop.run_in_executor(self._thread, self._exchange, checks)

    def close(self) -> None:
        """End the process."""
        self._thread.shutdown()
        if self._process is not None:
            self._process.communicate()

    def _start(self) -> bool:
        try:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(signature_process.__file__))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError:
            return False
        assert self._process.stdout is not None
        return self._process.stdout.read(1) == signature_process.READY

    def _exchange(self, checks: Sequence[signature_process.Check]) -> bytes | None:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(signature_process.encode_request(checks))
            self._process.stdin.flush()
            answer = self._process.stdout.read(len(checks))
        except OSError:
            return None
        return answer if len(answer) == len(checks) else None
