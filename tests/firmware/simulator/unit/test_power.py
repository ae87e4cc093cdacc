"""Power cuts at any byte and any moment, over a network that loses and repeats what it likes."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chaincode.signing.batch import Flag
from chaincode.signing.command import CommandKind
from firmware.simulator.unit.eeprom import Eeprom, PowerCut
from firmware.simulator.unit.identity import ORDINARY, Board
from firmware.simulator.unit.unit import Measurement, Output, Unit
from tests.examples import examples
from tests.firmware.simulator.counterpart import EPOCH, SESSION, Counterpart, identity

SAMPLING = 60
VOLTAGE = 2_300
CURRENT = 10_000
SAMPLE_ENERGY = CURRENT * VOLTAGE * SAMPLING * 1_000 // 36_000_000
"""mWh that flow in one sampling period."""
_DRAWING = Measurement(CURRENT, connected=True)
_IDLE = Measurement(0, connected=True)


class Wire:
    """One unit and the truth about it: what flowed, and what the gateway was told."""

    def __init__(self, board: Board = ORDINARY) -> None:
        self.gateway = Counterpart("mac")
        self.memory = Eeprom()
        self.board = board
        self.unit: Unit | None = None
        self.time = EPOCH * 1_000
        self.started = self.time
        self.closed = False
        self.flowed = 0
        """mA·ms through the relay."""
        self.cuts = 0
        self.sent: list[bytes] = []
        """Batches on the way to the gateway."""

    @property
    def truth(self) -> int:
        """mWh that really flowed."""
        return self.flowed * VOLTAGE // 36_000_000

    def power_up(self) -> None:
        """Start the unit, and configure it where it asks."""
        self.memory.restore()
        self.started = self.time
        self.gateway.counter = 0
        self.unit = Unit(identity("mac"), self.memory, self.board)
        output = self.step()
        if output is not None and output.asks:
            self.step(configuration=self.gateway.configuration(boot=self.unit.boot if self.unit else 0))

    def lose_power(self) -> None:
        """The unit stops; what it had not persisted is gone."""
        self.unit = None
        self.closed = False
        self.cuts += 1

    def step(self, seconds: float = 0.0, **arriving: bytes) -> Output | None:
        """Let time pass; None where the supply failed."""
        assert self.unit is not None
        elapsed = round(seconds * 1_000)
        if self.closed:
            self.flowed += CURRENT * elapsed
        self.time += elapsed
        measurement = _DRAWING if self.closed else _IDLE
        try:
            output = self.unit.step(self.time - self.started, measurement, **arriving)
        except PowerCut:
            self.lose_power()
            return None
        self.closed = output.closed
        self.sent += output.batches
        return output

    def deliver(self, keep: bool = True) -> None:
        """All that is on the way arrives, oldest first, or is lost."""
        messages, self.sent = self.sent, []
        if keep:
            for message in messages:
                self.gateway.receive([message])

    def tell(self, kind: CommandKind, grant: int = 600) -> None:
        """A command arrives."""
        self.step(command=self.gateway.command(kind, self.time // 1_000, session=SESSION, grant=grant))

    def resend(self) -> None:
        """The unit's transport sends everything unacknowledged once more."""
        assert self.unit is not None
        self.sent += self.unit.unsent


def _charge(wire: Wire) -> None:
    """One session from power-up to acknowledged END, starting the unit again whenever its power fails."""
    for minute in range(40):
        if wire.unit is None:
            try:
                wire.power_up()
            except PowerCut:
                wire.lose_power()
                continue
        wire.deliver()
        if wire.unit is not None:
            wire.tell(CommandKind.ON if minute < 12 else CommandKind.END)
        wire.deliver()
        for seconds in (5.0, 30.0, 25.0):
            if wire.unit is not None:
                wire.step(seconds)
        if wire.gateway.flags(Flag.END) and wire.unit is not None:
            wire.deliver()
            wire.tell(CommandKind.ACKNOWLEDGE)
            return


def _written(wire: Wire) -> int:
    """Bytes that a session writes to EEPROM."""
    wire.memory.cut_after(1 << 30)
    wire.power_up()
    wire.memory.cut_after(1 << 30)
    _charge(wire)
    left = wire.memory._left
    assert left is not None
    return (1 << 30) - left


def test_the_supply_may_fail_at_every_byte_written() -> None:
    """A session cut at each byte of each persistent write: the register never falls, no number is used twice
    with other content (the counterpart checks both), and at most one sampling period a cut is lost."""
    total = _written(Wire(Board(minimum_off=0)))
    assert total > 500
    for cut in range(total + 1):
        wire = Wire(Board(minimum_off=0))
        wire.memory.cut_after(cut)
        _charge(wire)
        end = wire.gateway.flags(Flag.END)
        assert end, f"no END after a cut at byte {cut}"
        lost = wire.truth - end[-1].register
        assert -1 <= lost <= wire.cuts * SAMPLE_ENERGY + 1, f"cut at byte {cut}"


@pytest.mark.parametrize("seed", range(40))
def test_the_supply_may_fail_at_any_moment(seed: int) -> None:
    """Cut between any two steps, many times over."""
    chance = random.Random(seed)
    wire = Wire(Board(minimum_off=0))
    wire.power_up()
    for _ in range(120):
        wire.deliver()
        wire.tell(CommandKind.ON)
        wire.step(chance.uniform(0.1, 50))
        if chance.random() < 0.1:
            wire.lose_power()
            wire.power_up()
    wire.deliver()
    assert wire.cuts > 0
    assert wire.unit is not None
    assert -1 <= wire.truth - wire.unit.register <= wire.cuts * SAMPLE_ENERGY + 1


class UnitUnderAttack(RuleBasedStateMachine):
    """Everything that can happen to a unit, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.wire = Wire()
        self.granted_until = 0
        self.old_commands: list[bytes] = []

    @initialize()
    def start(self) -> None:
        """Power-up."""
        self.wire.power_up()

    @precondition(lambda self: self.wire.unit is None)
    @rule()
    def power_up(self) -> None:
        """The supply is back."""
        self.wire.power_up()

    @precondition(lambda self: self.wire.unit is not None)
    @rule(seconds=st.sampled_from([0.0, 0.7, 5.0, 31.0, 60.0, 240.0]))
    def pass_time(self, seconds: float) -> None:
        """Time passes in the steps that the unit asks for."""
        assert self.wire.unit is not None
        end = self.wire.time + round(seconds * 1_000)
        while self.wire.unit is not None and self.wire.time < end:
            due = self.wire.started + self.wire.unit.due
            self.wire.step((min(end, max(due, self.wire.time + 1)) - self.wire.time) / 1_000)

    @precondition(lambda self: self.wire.unit is not None)
    @rule(kind=st.sampled_from(list(CommandKind)), grant=st.integers(0, 300))
    def command(self, kind: CommandKind, grant: int) -> None:
        """The gateway commands what it likes."""
        command = self.wire.gateway.command(kind, self.wire.time // 1_000, grant=grant)
        self.old_commands.append(command)
        assert self.wire.unit is not None
        boot = self.wire.unit.boot
        if kind is CommandKind.ON and self.wire.gateway.boot == boot:
            self.granted_until = max(self.granted_until, self.wire.time + grant * 1_000)
        self.wire.step(command=command)

    @precondition(lambda self: self.wire.unit is not None and self.old_commands)
    @rule(chance=st.randoms(use_true_random=False))
    def replay(self, chance: random.Random) -> None:
        """An attacker sends a command that was already obeyed, or a damaged one."""
        assert self.wire.unit is not None
        if self.wire.gateway.boot != self.wire.unit.boot:
            return
        before = self.wire.closed
        old = chance.choice(self.old_commands)
        self.wire.step(command=old)
        self.wire.step(command=old[:-1] + bytes([old[-1] ^ 0x40]))
        assert self.wire.closed <= before or self.wire.time < self.granted_until

    @rule(keep=st.booleans())
    def deliver(self, keep: bool) -> None:
        """What is on the way arrives, or does not."""
        self.wire.deliver(keep)

    @precondition(lambda self: self.wire.unit is not None)
    @rule()
    def resend(self) -> None:
        """The transport repeats; a repeated batch is the same bytes, or the counterpart complains."""
        self.wire.deliver()
        self.wire.resend()
        self.wire.deliver()

    @precondition(lambda self: self.wire.unit is not None)
    @rule()
    def lose_power(self) -> None:
        """At this moment."""
        self.wire.lose_power()

    @precondition(lambda self: self.wire.unit is not None)
    @rule(count=st.integers(0, 80))
    def fail_in_a_write(self, count: int) -> None:
        """At some byte to come."""
        self.wire.memory.cut_after(count)

    @invariant()
    def no_relay_without_a_grant(self) -> None:
        """The relay is closed only while some ON still grants it."""
        assert not self.wire.closed or self.wire.time < self.granted_until

    @invariant()
    def no_energy_is_lost(self) -> None:
        """The register is the truth, but for at most a sampling period a cut."""
        if self.wire.unit is not None:
            lost = self.wire.truth - self.wire.unit.register
            assert -1 <= lost <= self.wire.cuts * SAMPLE_ENERGY + 1


TestUnitUnderAttack = UnitUnderAttack.TestCase
TestUnitUnderAttack.settings = settings(
    max_examples=examples(60),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
