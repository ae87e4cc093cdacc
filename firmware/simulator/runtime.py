"""Runs an installation on a clock that goes by itself: real time, or so many times as fast."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress

from firmware.simulator.installation import Installation
from firmware.simulator.transport.mailbox import Mailbox, Transport
from firmware.simulator.unit.eeprom import PowerCut
from firmware.simulator.unit.unit import Output


class Runtime:
    """One unit's life: steps it when something is due or arrives, and has its messages carried."""

    def __init__(
        self,
        installation: Installation,
        transport: Transport,
        now: Callable[[], float],
        *,
        speed: float = 1.0,
        tick: float = 1.0,
    ) -> None:
        """`now` gives Unix seconds and runs `speed` times as fast as the event loop's clock; the world is
        stepped at least every `tick` of its seconds."""
        self.installation = installation
        self._transport = transport
        self._now = now
        self._speed = speed
        self._tick = tick
        self._mailbox = Mailbox(self._unsent, self._deliver)
        self._commands: list[bytes] = []
        self._tags: list[bytes] = []
        self._wake = asyncio.Event()
        self.switched = asyncio.Event()
        """Set whenever the relay has moved; whoever waits for that clears it first."""

    async def run(self) -> None:
        """Power up, get a configuration where there is none, and go on until cancelled."""
        self.installation.outlet.advance(max(self._now(), self.installation.outlet.time))
        self.installation.power_up()
        await self._configure()
        carrying = asyncio.ensure_future(self._transport.run(self.installation.identity.unit, self._mailbox))
        try:
            while not carrying.done():
                self._step()
                await self._sleep()
            await carrying
        finally:
            carrying.cancel()
            await asyncio.gather(carrying, return_exceptions=True)

    def present_tag(self, tag: bytes) -> None:
        """Hold a tag with this id to the reader."""
        self._tags.append(tag)
        self._wake.set()

    def poke(self) -> None:
        """Something about the outlet was changed by hand, such as a car plugged in: look at once."""
        self._wake.set()

    async def _configure(self) -> None:
        while self._go().asks:
            unit = self.installation.unit
            assert unit is not None
            message = await self._transport.configuration(self.installation.identity.unit, unit.boot)
            self._handle(self.installation.step(self._now(), configuration=message))

    def _step(self) -> None:
        self._wake.clear()
        while self._commands or self._tags:
            if self._commands:
                self._go(command=self._commands.pop(0))
            else:
                self._go(tag=self._tags.pop(0))
        self._go()

    def _go(self, *, command: bytes | None = None, tag: bytes | None = None) -> Output:
        before = self._energised
        time = max(self._now(), self.installation.outlet.time)
        try:
            output = self.installation.step(time, command=command, tag=tag)
        except PowerCut:
            self.installation.power_up()
            output = self.installation.step(time)
        self._handle(output)
        if self._energised is not before:
            self.switched.set()
        return output

    @property
    def _energised(self) -> bool:
        relay = self.installation.outlet.relay
        return relay is not None and relay.energised

    def _handle(self, output: Output) -> None:
        if output.batches:
            self._mailbox.latest = output.batches[-1]
            self._mailbox.fresh.set()
        if output.status is not None:
            self._mailbox.statuses = [output.status]
            self._mailbox.fresh.set()
        if output.request is not None:
            self._mailbox.requests.append(output.request)
            self._mailbox.fresh.set()

    async def _sleep(self) -> None:
        due = min(self.installation.due, self._now() + self._tick)
        seconds = math.ceil(max(0.0, due - self._now()) * 1_000) / 1_000 / self._speed
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds + 0.001):
                await self._wake.wait()

    def _unsent(self) -> list[bytes]:
        return self.installation.unit.unsent if self.installation.unit is not None else []

    def _deliver(self, command: bytes) -> None:
        self._commands.append(command)
        self._wake.set()
