"""Receipts: each is had from the gateway when its session ends, and verified offline in another process."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from client.auditor.errors import ReceiptError
from client.auditor.receipt import check_receipt

CHUNK = 16
"""Receipts handed over at a time."""


class Receipts:
    """Verifies receipts with the client's own verifier, from the files and the root certificate alone."""

    def __init__(self, root: bytes) -> None:
        """`root` is the condominium's root certificate, PEM."""
        self._root = root
        # A fresh process holds nothing of this one: no gateway, no ledger, only what it is sent.
        self._workers = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        self._waiting: list[tuple[str, bytes]] = []
        self._under_way: list[asyncio.Future[dict[str, str]]] = []
        self.refused: dict[str, str] = {}
        """Why a session's receipt is not to be believed."""
        self.count = 0

    def add(self, session: str, file: bytes) -> None:
        """Verify one."""
        self.count += 1
        self._waiting.append((session, file))
        if len(self._waiting) >= CHUNK:
            self._hand_over()

    async def finish(self) -> int:
        """Wait for all; how many verified."""
        self._hand_over()
        for refused in await asyncio.gather(*self._under_way):
            self.refused |= refused
        return self.count - len(self.refused)

    def close(self) -> None:
        """Stop verifying."""
        self._workers.shutdown(cancel_futures=True)

    def _hand_over(self) -> None:
        files, self._waiting = self._waiting, []
        loop = asyncio.get_running_loop()
        self._under_way.append(loop.run_in_executor(self._workers, verify, files, self._root))


def verify(files: list[tuple[str, bytes]], root: bytes) -> dict[str, str]:
    """The sessions whose receipts do not prove what they say, and why."""
    return asyncio.run(_verify(files, root))


async def _verify(files: list[tuple[str, bytes]], root: bytes) -> dict[str, str]:
    refused = {}
    for session, file in files:
        try:
            verified = await check_receipt(file, root)
        except ReceiptError as error:
            refused[session] = str(error)
            continue
        if verified.session.id != session:
            refused[session] = f"is the receipt of {verified.session.id}"
    return refused
