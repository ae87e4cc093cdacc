"""HTTP as an 8-bit board speaks it: one connection, and the answer to a POST is the next command."""

from __future__ import annotations

import asyncio
import logging

import httpx

from firmware.simulator.transport.mailbox import Backoff, Mailbox

WAIT = 25
"""Seconds for which the gateway may hold an answer (docs/protocol.md, "REST")."""
_PATIENCE = 10.0
_LOG = logging.getLogger(__name__)


class HttpTransport:
    """`Transport` over HTTP; `client` knows the gateway's address.

    A unit with nothing to report repeats its newest batch, which the gateway knows already, and has the
    answer held until there is a command. A new batch interrupts that: there is only one connection.
    """

    def __init__(self, client: httpx.AsyncClient, *, wait: int = WAIT, backoff: float = 1.0) -> None:
        self._client = client
        self._wait = wait
        self._backoff = backoff

    async def configuration(self, unit: int, boot: int) -> bytes:
        """Ask until there is an answer."""
        backoff = Backoff(self._backoff)
        while True:
            try:
                answer = await self._client.get(
                    f"/v1/units/{unit}/configuration", params={"boot": boot}, timeout=_PATIENCE
                )
                return answer.raise_for_status().content
            except httpx.HTTPError as error:
                _LOG.info("unit %s has no configuration yet: %s", unit, error)
                await backoff.wait()

    async def run(self, unit: int, mailbox: Mailbox) -> None:
        """Post what there is, or ask for commands."""
        backoff = Backoff(self._backoff)
        while True:
            mailbox.fresh.clear()
            try:
                command = await self._next_command(unit, mailbox)
            except httpx.HTTPError as error:
                _LOG.info("unit %s does not reach its gateway: %s", unit, error)
                await backoff.wait()
                continue
            backoff.reset()
            if command is not None:
                mailbox.deliver(command)

    async def _next_command(self, unit: int, mailbox: Mailbox) -> bytes | None:
        """The answer to what there is to say; None where something new came up while waiting."""
        if mailbox.requests:
            return await self._post(unit, "requests", mailbox.requests.pop(0), 0)
        unsent = mailbox.unsent()
        if unsent:
            return await self._post(unit, "readings", b"".join(unsent), 0)
        if mailbox.statuses:
            await self._tell(unit, mailbox.statuses[0])
            mailbox.statuses.clear()
            return None
        if not mailbox.latest:
            await mailbox.fresh.wait()
            return None
        return await self._poll(unit, mailbox)

    async def _tell(self, unit: int, status: bytes) -> None:
        """Say which firmware runs; a simulated unit takes no offer, so it reads none."""
        answer = await self._client.post(
            f"/v1/units/{unit}/firmware", params={"boot": 0}, content=status, timeout=_PATIENCE
        )
        if answer.is_error:
            _LOG.info("unit %s could not tell its firmware: %s", unit, answer.status_code)

    async def _poll(self, unit: int, mailbox: Mailbox) -> bytes | None:
        held = asyncio.ensure_future(self._post(unit, "readings", mailbox.latest, self._wait))
        fresh = asyncio.ensure_future(mailbox.fresh.wait())
        try:
            await asyncio.wait({held, fresh}, return_when=asyncio.FIRST_COMPLETED)
            return await held if held.done() else None
        finally:
            held.cancel()
            fresh.cancel()
            # Not by suppressing what each of them raises: whoever cancels this very moment has to be heard.
            await asyncio.gather(held, fresh, return_exceptions=True)

    async def _post(self, unit: int, kind: str, body: bytes, wait: int) -> bytes:
        answer = await self._client.post(
            f"/v1/units/{unit}/{kind}",
            params={"wait": wait},
            content=body,
            headers={"content-type": "application/octet-stream"},
            timeout=wait + _PATIENCE,
        )
        return answer.raise_for_status().content
