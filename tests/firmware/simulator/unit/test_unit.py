"""The unit's state machine in conversation with a gateway, one message at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaincode.signing.batch import NO_BATCH, NO_SESSION, Flag, Reason
from chaincode.signing.command import CommandKind
from chaincode.signing.request import BODY_BYTES, RequestKind, decode_request
from firmware.simulator.unit.eeprom import Eeprom
from firmware.simulator.unit.identity import ORDINARY, Board
from firmware.simulator.unit.request import tag_hash
from firmware.simulator.unit.unit import Measurement, Output, Unit
from tests.firmware.simulator.counterpart import EPOCH, SESSION, Counterpart, identity

PLUGGED = Measurement(0, connected=True, temperature=20, humidity=50)
UNPLUGGED = Measurement(0, connected=False, temperature=20, humidity=50)
DRAWING = Measurement(10_000, connected=True, temperature=20, humidity=50)

OTHER = bytes(16 * [9])


class Bench:
    """A unit on a table: time, current and messages are given by hand."""

    def __init__(self, key_class: str = "ed25519", board: Board = ORDINARY, **configuration: int) -> None:
        self.gateway = Counterpart(key_class)
        self.memory = Eeprom()
        self.board = board
        self.identity = identity(key_class)
        self.unit = Unit(self.identity, self.memory, board)
        self.now = 0
        self.since = 0
        self._take(
            self.unit.step(0, configuration=self.gateway.configuration(**configuration))  # type: ignore[arg-type]
        )

    @property
    def time(self) -> int:
        """Unix seconds."""
        return EPOCH + (self.since + self.now) // 1_000

    def conducts(self) -> bool:
        """Whether the relay is closed."""
        return self.output.closed

    def go(
        self, seconds: float, measurement: Measurement = UNPLUGGED, step: float = 1.0, stuck: bool = False
    ) -> None:
        """Let time pass in small steps; current flows through a closed relay, or one that is `stuck`."""
        end = self.now + round(seconds * 1_000)
        while self.now < end:
            self.now = min(end, self.now + round(step * 1_000))
            flows = stuck or self.conducts()
            self._take(self.unit.step(self.now, measurement if flows else replace(measurement, current=0)))

    def tell(
        self, kind: CommandKind, *, session: bytes = SESSION, grant: int = 600, current: int = 0
    ) -> Output:
        """A command at this moment."""
        command = self.gateway.command(kind, self.time, session=session, grant=grant, current=current)
        return self._take(self.unit.step(self.now, command=command))

    def restart(self, *, reset_held: bool = False) -> None:
        """Power off and on."""
        self.since += self.now
        self.now = 0
        self.unit = Unit(self.identity, self.memory, self.board, reset_held=reset_held)
        self.gateway.counter = 0
        self._take(self.unit.step(0))

    def charging(self, grant: int = 6_000) -> None:
        """A session that has begun."""
        self.tell(CommandKind.ACKNOWLEDGE)
        self.go(10, PLUGGED)
        self.tell(CommandKind.ON, grant=grant)
        self.tell(CommandKind.ACKNOWLEDGE)
        assert self.conducts()

    def _take(self, output: Output) -> Output:
        self.gateway.receive(output.batches)
        self.output = output
        return output


@pytest.mark.parametrize("key_class", ["ed25519", "mac"])
def test_a_session_from_begin_to_end(key_class: str) -> None:
    """ON closes the relay and begins at once; END opens it, waits for no current, and ends."""
    bench = Bench(key_class)
    bench.charging()
    begin = bench.gateway.flags(Flag.BEGIN)[0]
    assert begin.session == SESSION
    assert begin.samples == ()
    assert begin.time == bench.time
    bench.go(600, DRAWING)
    bench.tell(CommandKind.END)
    assert not bench.conducts()
    assert not bench.gateway.flags(Flag.END)
    bench.go(2, PLUGGED)
    end = bench.gateway.flags(Flag.END)[0]
    assert end.reason is Reason.COMMAND
    assert end.session == SESSION
    assert Flag.CLOSED not in end.flags
    # 10 A at 230 V for 600 s.
    assert end.register - begin.register == pytest.approx(2_300 * 1_000 / 6, abs=2)
    samples = [sample for batch in bench.gateway.batches for sample in batch.samples]
    assert {sample.current for sample in samples} == {10_000}
    assert {sample.voltage for sample in samples} == {2_300}


def test_the_first_batch_tells_boot_and_register() -> None:
    """Without samples, outside any session, the clock not set, first of its chain."""
    bench = Bench()
    (first,) = bench.gateway.batches
    assert (first.boot, first.session, first.samples, first.previous) == (1, NO_SESSION, (), NO_BATCH)
    assert Flag.CLOCK_UNSET in first.flags


def test_a_unit_without_configuration_asks_and_sends_nothing() -> None:
    """It asks until it gets an answer that names this start; others are counted and refused."""
    unit = Unit(identity(), Eeprom())
    assert unit.step(1_000, UNPLUGGED).asks
    gateway = Counterpart()
    assert unit.step(2_000, configuration=gateway.configuration(boot=2)).asks
    assert unit.refusals == {"boot": 1}
    output = unit.step(3_000, configuration=gateway.configuration(boot=1))
    assert not output.asks
    assert len(output.batches) == 1


def test_the_configuration_is_kept_until_reset_is_held() -> None:
    """A restart needs no gateway; reset held at power-up forgets (paper, section 4.1.3)."""
    bench = Bench()
    bench.restart()
    assert not bench.output.asks
    bench.restart(reset_held=True)
    assert bench.output.asks


def test_batches_end_on_multiples_of_the_period() -> None:
    """Samples and batches align with Unix time, so that tariff bands end on a batch."""
    bench = Bench()
    bench.go(7)
    bench.charging()
    before = len(bench.gateway.batches)
    bench.go(900, DRAWING)
    periodic = bench.gateway.batches[before:]
    assert [batch.time % 300 for batch in periodic] == [0, 0, 0]
    assert [len(batch.samples) for batch in periodic] == [5, 5, 5]


def test_a_grant_that_is_not_renewed_opens_the_relay() -> None:
    """The session goes on, paused; another ON closes it again without a second BEGIN."""
    bench = Bench()
    bench.charging(grant=60)
    bench.go(58, DRAWING)
    assert bench.conducts()
    bench.go(3, DRAWING)
    assert not bench.conducts()
    assert bench.unit.session == SESSION
    bench.go(10, PLUGGED)
    bench.tell(CommandKind.ON)
    assert bench.conducts()
    assert len(bench.gateway.flags(Flag.BEGIN)) == 1


def test_renewing_keeps_the_relay_closed() -> None:
    """Each ON counts its seconds from receipt."""
    bench = Bench()
    bench.charging(grant=60)
    for _ in range(5):
        bench.go(50, DRAWING)
        bench.tell(CommandKind.ON, grant=60)
        assert bench.conducts()


def test_a_fallback_limits_where_nothing_is_heard() -> None:
    """With a safe current configured the relay stays closed, and the pilot offers no more than that."""
    bench = Bench(fallback=60)
    bench.charging(grant=60)
    bench.go(90, DRAWING)
    assert bench.conducts()
    assert bench.output.limit == 60
    bench.tell(CommandKind.OFF)
    assert not bench.conducts()


def test_the_command_limits_the_current() -> None:
    """In tenths of an ampere; 0, and more than the unit's own maximum, leave its maximum."""
    bench = Bench()
    bench.charging()
    assert bench.output.limit == 160
    assert bench.tell(CommandKind.ON, current=100).limit == 100
    assert bench.tell(CommandKind.ON, current=400).limit == 160


def test_the_relay_neither_flickers_on_nor_off() -> None:
    """A pause waits for the least time on, closing for the least time off; an end waits for nothing."""
    bench = Bench()
    bench.tell(CommandKind.ACKNOWLEDGE)
    assert not bench.tell(CommandKind.ON).closed, "just powered up"
    bench.go(5.5, PLUGGED)
    assert bench.conducts()
    assert bench.tell(CommandKind.OFF).closed
    bench.go(5, DRAWING)
    assert not bench.conducts()
    assert not bench.tell(CommandKind.ON).closed
    bench.go(5, PLUGGED)
    assert bench.conducts()
    assert not bench.tell(CommandKind.END).closed


def test_complete_when_the_vehicle_stops_drawing() -> None:
    """Set three minutes after it drew less than 500 mA, reported at once, taken back when it draws again."""
    bench = Bench()
    bench.charging()
    bench.go(60, DRAWING)
    bench.go(179, PLUGGED)
    assert not bench.gateway.flags(Flag.COMPLETE)
    bench.go(2, PLUGGED)
    assert bench.gateway.batches[-1].flags & Flag.COMPLETE
    bench.go(1, DRAWING)
    assert not bench.gateway.batches[-1].flags & Flag.COMPLETE


def test_a_vehicle_that_never_drew_is_not_complete() -> None:
    """It may be waiting for its own timer."""
    bench = Bench()
    bench.charging()
    bench.go(900, PLUGGED)
    assert not bench.gateway.flags(Flag.COMPLETE)


def test_plugging_is_reported_at_once() -> None:
    """Also outside a session."""
    bench = Bench()
    bench.go(1, PLUGGED)
    assert Flag.CONNECTED in bench.gateway.batches[-1].flags
    bench.go(1, UNPLUGGED)
    assert Flag.CONNECTED not in bench.gateway.batches[-1].flags


def test_without_pilot_a_session_means_connected() -> None:
    """Until charging has ended (docs/protocol.md, "A unit's life", 6)."""
    drawing, idle = Measurement(10_000), Measurement(0)
    bench = Bench()
    bench.tell(CommandKind.ACKNOWLEDGE)
    bench.go(10, idle)
    assert Flag.CONNECTED not in bench.gateway.batches[-1].flags
    bench.tell(CommandKind.ON)
    assert Flag.CONNECTED in bench.gateway.batches[-1].flags
    bench.go(60, drawing)
    bench.go(200, idle)
    assert Flag.CONNECTED not in bench.gateway.batches[-1].flags


def test_current_through_an_open_relay_is_a_fault() -> None:
    """Welded contacts: FAULT at once, the energy counted, and no END while it flows."""
    bench = Bench()
    bench.charging()
    bench.go(60, DRAWING)
    before = bench.unit.register
    bench.tell(CommandKind.END)
    bench.go(60, DRAWING, stuck=True)
    assert bench.gateway.flags(Flag.FAULT)
    assert not bench.gateway.flags(Flag.END)
    assert bench.unit.register > before
    bench.go(2, PLUGGED)
    assert bench.gateway.flags(Flag.END)


def test_too_much_current_ends_the_session() -> None:
    """Above the configured maximum for longer than an inrush."""
    bench = Bench(maximum=160)
    bench.charging()
    too_much = Measurement(17_100, connected=True)
    bench.go(30, Measurement(16_900, connected=True))
    assert bench.conducts(), "within what a sensor errs"
    bench.go(3, too_much)
    bench.go(2, DRAWING)
    assert bench.conducts()
    bench.go(6, too_much)
    assert not bench.conducts()
    bench.go(2, PLUGGED)
    assert bench.gateway.flags(Flag.END)[0].reason is Reason.OVER_CURRENT
    bench.tell(CommandKind.ON)
    bench.go(10, PLUGGED)
    assert not bench.conducts(), "a session that ended never starts again"


def test_too_much_heat_ends_the_session() -> None:
    """At the end of the sensor's range nothing is safe any more."""
    bench = Bench()
    bench.charging()
    bench.go(2, Measurement(10_000, connected=True, temperature=50))
    bench.go(2, Measurement(0, connected=True, temperature=50))
    assert bench.gateway.flags(Flag.END)[0].reason is Reason.OVER_TEMPERATURE


def test_an_always_on_unit_measures_sessions_it_cannot_switch() -> None:
    """The paper's Sensor 0: BEGIN and END at the moment of the command, current all the time."""
    bench = Bench(always_on=True)
    bench.tell(CommandKind.ACKNOWLEDGE)
    bench.go(120, DRAWING, stuck=True)
    outside = bench.gateway.batches[-1]
    assert outside.session == NO_SESSION
    bench.tell(CommandKind.ON)
    bench.go(300, DRAWING, stuck=True)
    bench.tell(CommandKind.END)
    begin, end = bench.gateway.flags(Flag.BEGIN)[0], bench.gateway.flags(Flag.END)[0]
    assert begin.register > outside.register
    assert Flag.CLOSED in begin.flags
    assert end.register - begin.register == pytest.approx(2_300 * 1_000 / 12, abs=2)
    assert not bench.gateway.flags(Flag.FAULT)


def test_the_clock_is_not_moved_within_a_session() -> None:
    """Commands set it outside; inside, a gateway whose clock jumps cannot stretch or shrink time."""
    bench = Bench()
    bench.charging()
    bench.since += 100_000
    bench.tell(CommandKind.ON)
    bench.go(300, DRAWING)
    assert bench.gateway.batches[-1].time < bench.time - 90


def test_forged_and_replayed_commands_change_nothing() -> None:
    """Wrong key, altered byte, the same command twice, an older one: the relay stays as it is."""
    bench = Bench()
    bench.charging()
    end = bench.gateway.command(CommandKind.END, bench.time)
    on = bench.gateway.command(CommandKind.ON, bench.time)
    bench.unit.step(bench.now, command=on)
    bench.unit.step(bench.now, command=on)
    bench.unit.step(bench.now, command=end)
    bench.unit.step(bench.now, command=on[:-1] + bytes([on[-1] ^ 1]))
    bench.unit.step(bench.now, command=b"nonsense")
    assert bench.unit.refusals == {"counter": 2, "authentication": 1, "length": 1}
    bench.go(5, DRAWING)
    assert bench.conducts()


def test_a_restarted_unit_goes_on_with_its_session() -> None:
    """Relay open and boot risen; the ON that names the session resumes it without a second BEGIN."""
    bench = Bench()
    bench.charging()
    bench.go(300, DRAWING)
    register = bench.unit.register
    bench.restart()
    assert not bench.conducts()
    first = bench.gateway.batches[-1]
    assert (first.boot, first.session, first.previous) == (2, NO_SESSION, NO_BATCH)
    # What was drawn since the last sample was kept is lost: less than a minute's 10 A.
    assert register - 2_300 * 1_000 // 60 <= first.register <= register
    bench.go(6, PLUGGED)
    bench.tell(CommandKind.ON)
    bench.go(300, DRAWING)
    assert len(bench.gateway.flags(Flag.BEGIN)) == 1
    bench.tell(CommandKind.END)
    bench.go(2, PLUGGED)
    assert bench.gateway.flags(Flag.END)[0].session == SESSION


def test_begin_is_sent_again_where_it_may_be_lost() -> None:
    """A unit whose BEGIN was not acknowledged before the power cut cannot tell, and says it again."""
    bench = Bench()
    bench.tell(CommandKind.ACKNOWLEDGE)
    bench.go(6, PLUGGED)
    bench.tell(CommandKind.ON)
    bench.restart()
    bench.go(6, PLUGGED)
    bench.tell(CommandKind.ON)
    assert len(bench.gateway.flags(Flag.BEGIN)) == 2


def test_end_is_sent_again_where_it_may_be_lost() -> None:
    """An unacknowledged END is made anew on the next word about its session, at the same register."""
    bench = Bench()
    bench.charging()
    bench.go(60, DRAWING)
    bench.tell(CommandKind.END)
    bench.go(2, PLUGGED)
    bench.restart()
    bench.tell(CommandKind.ON)
    bench.go(2, PLUGGED)
    assert not bench.conducts()
    first, second = bench.gateway.flags(Flag.END)
    assert (first.register, first.reason) == (second.register, second.reason)
    bench.tell(CommandKind.ACKNOWLEDGE)
    bench.tell(CommandKind.END)
    bench.go(2, PLUGGED)
    assert len(bench.gateway.flags(Flag.END)) == 2


def test_an_interrupted_session_ends_for_that_reason() -> None:
    """END instead of ON after a power cut."""
    bench = Bench()
    bench.charging()
    bench.restart()
    bench.tell(CommandKind.END)
    bench.go(2, PLUGGED)
    assert bench.gateway.flags(Flag.END)[0].reason is Reason.POWER_LOST


def test_other_sessions_are_not_ended_or_begun() -> None:
    """One at a time: a command that names another changes nothing while this one is on."""
    bench = Bench()
    bench.charging()
    bench.tell(CommandKind.END, session=OTHER)
    bench.tell(CommandKind.ON, session=OTHER)
    assert bench.conducts()
    assert bench.unit.session == SESSION


def test_an_end_of_an_unknown_session_bills_nobody() -> None:
    """A gateway cannot have the register signed for a session that the unit is not in."""
    bench = Bench()
    bench.charging()
    bench.tell(CommandKind.END)
    bench.go(2, PLUGGED)
    bench.tell(CommandKind.ACKNOWLEDGE)
    bench.tell(CommandKind.END, session=OTHER)
    bench.go(2, PLUGGED)
    assert len(bench.gateway.flags(Flag.END)) == 1


def test_a_tag_becomes_a_start_request() -> None:
    """Hashed with the condominium's salt, numbered within the boot."""
    bench = Bench()
    output = bench.unit.step(bench.now, tag=b"\x04\x01\x02\x03")
    assert output.request is not None
    request = decode_request(output.request[:BODY_BYTES])
    assert (request.kind, request.tag) == (RequestKind.TAG, tag_hash(b"s" * 32, b"\x04\x01\x02\x03"))
    again = bench.unit.step(bench.now, tag=b"\x04\x01\x02\x03").request
    assert again is not None
    assert decode_request(again[:BODY_BYTES]).number == request.number + 1


def test_plugging_in_can_ask() -> None:
    """Where the board is set to: once at each plugging in, not in a session."""
    bench = Bench(board=Board(asks_on_plug=True))
    bench.unit.step(1_000, UNPLUGGED)
    request = bench.unit.step(2_000, PLUGGED).request
    assert request is not None
    assert decode_request(request[:BODY_BYTES]).kind is RequestKind.PLUGGED_IN
    assert bench.unit.step(3_000, PLUGGED).request is None


def test_samples_beyond_a_batch_are_sent_before_they_overflow() -> None:
    """120 samples a batch, whatever the transmission period."""
    bench = Bench(transmission=60_000, sampling=1)
    bench.charging()
    bench.go(500, DRAWING)
    assert max(len(batch.samples) for batch in bench.gateway.batches) == 120


def test_nothing_drifts_when_idle() -> None:
    """A week without current: the register stands, and EEPROM is not worn for it."""
    bench = Bench()
    bench.go(1, UNPLUGGED)
    writes = bench.memory.writes
    bench.go(7 * 86_400, UNPLUGGED, step=60)
    assert bench.unit.register == 0
    assert bench.memory.writes - writes <= len(bench.gateway.batches) // 16 + 2


def test_due_says_when_to_look() -> None:
    """Stepping only at `due` gives the same batches as stepping every second."""
    often, seldom = Bench(), Bench()
    for bench in (often, seldom):
        bench.charging(grant=500)
    often.go(900, DRAWING)
    end = seldom.now + 900_000
    while seldom.now < end:
        seldom.go((min(end, int(seldom.unit.due)) - seldom.now) / 1_000, DRAWING, step=1e6)
    assert seldom.gateway.messages == often.gateway.messages
