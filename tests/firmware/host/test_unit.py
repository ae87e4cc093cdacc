"""A unit's life as docs/protocol.md tells it, against a gateway that checks every byte."""

from __future__ import annotations

import pytest

from chaincode.signing import domain
from chaincode.signing.batch import NO_SESSION, Flag, Reason
from chaincode.signing.request import RequestKind, tag_hash
from tests.firmware.gateway import NOON, OTHER_SESSION, SALT, SESSION, Gateway, http
from tests.firmware.host.conftest import Site

pytestmark = pytest.mark.firmware


def test_first_start(site: Site) -> None:
    """A new unit asks for its configuration, tells register and boot count, and learns the time."""
    assert site.unit.start()
    site.gateway.public_key = bytes(site.unit.core.ffi.buffer(site.unit.c.harness_public_key(), 32))
    site.run(3)
    assert site.gateway.configured == 1
    first = site.gateway.batches[0]
    assert (first.boot, first.register, first.samples, first.session) == (1, 0, (), NO_SESSION)
    assert Flag.CLOCK_UNSET in first.flags
    assert abs(site.unit.c.harness_clock() - site.gateway.clock()) <= 1


def test_boot_count_rises_and_configuration_stays(running: Site) -> None:
    """After a restart the unit counts one start more and needs no new configuration."""
    assert running.unit.start()
    running.run(3)
    assert running.gateway.configured == 1
    assert running.gateway.batches[-1].boot == 2


def test_erase_button_asks_for_configuration_again(running: Site) -> None:
    """Held at power-up, the button erases the configuration (paper §4.1.3)."""
    running.unit.c.harness_switches(0, 1)
    assert running.unit.start()
    running.unit.c.harness_switches(0, 0)
    running.run(3)
    assert running.gateway.configured == 2


def test_session(running: Site) -> None:
    """ON closes the relay and sends BEGIN, END opens it and sends END; the energy between is exact."""
    running.run(15)
    running.gateway.on()
    running.run(40)
    begin = next(b for b in running.gateway.batches if Flag.BEGIN in b.flags)
    assert (begin.session, begin.register, begin.samples) == (SESSION, 0, ())
    assert Flag.CLOSED | Flag.CONNECTED in begin.flags
    running.run(600, 10.0)
    running.gateway.end()
    running.run(60, 10.0)
    end = running.gateway.batches[-1]
    ends = [b for b in running.gateway.batches if Flag.END in b.flags]
    assert [e.reason for e in ends] == [Reason.COMMAND]
    assert ends[0].session == SESSION
    assert Flag.CLOSED not in ends[0].flags
    assert end.register == ends[0].register
    measured = sum(s.current * s.voltage * 10 for b in running.gateway.batches for s in b.samples)
    assert abs(ends[0].register - measured / 36_000) < 30
    expected = 10.0 * 230 * 600 / 3.6
    assert abs(ends[0].register - expected) / expected < 0.06


def test_batches_end_on_multiples_of_the_period(running: Site) -> None:
    """Within a session every transmission period ends on a batch, so that tariff bands end on one."""
    running.gateway.on()
    running.run(400, 8.0)
    times = {b.time for b in running.gateway.batches if b.session == SESSION}
    first = min(times)
    expected = set(range(first - first % 60 + 60, max(times), 60))
    assert expected <= times


def test_grant_runs_out(running: Site) -> None:
    """Unheard, a unit opens its relay when the grant runs out; heard again, it goes on with the session."""
    running.gateway.on(grant=30)
    running.run(25, 8.0)
    assert running.unit.closed()
    running.run(35, 8.0, online=False)
    assert not running.unit.closed()
    running.run(200, 8.0)
    assert running.unit.closed()
    assert sum(Flag.BEGIN in b.flags for b in running.gateway.batches) == 1
    assert not any(Flag.END in b.flags for b in running.gateway.batches)


def test_grant_runs_out_to_a_safe_current(site: Site) -> None:
    """With a fallback current the pilot offers that instead, and a vehicle that takes more is cut off."""
    site.gateway.fallback = 60
    assert site.unit.start()
    site.gateway.public_key = bytes(site.unit.core.ffi.buffer(site.unit.c.harness_public_key(), 32))
    site.unit.c.harness_pilot(1)
    site.run(3)
    site.gateway.on(grant=30)
    site.run(25, 8.0)
    assert site.unit.c.harness_offered() == 160
    site.run(30, 6.0, online=False)
    assert site.unit.closed()
    assert site.unit.c.harness_offered() == 60
    site.run(15, 8.0, online=False)
    assert not site.unit.closed()


def test_off_pauses_and_on_resumes(running: Site) -> None:
    """OFF opens the relay without ending the session; ON closes it again without a second BEGIN."""
    running.gateway.on()
    running.run(60, 8.0)
    running.gateway.off()
    running.run(70, 8.0)
    assert not running.unit.closed()
    assert running.gateway.batches[-1].session == SESSION
    running.gateway.on()
    running.run(80, 8.0)
    assert running.unit.closed()
    assert sum(Flag.BEGIN in b.flags for b in running.gateway.batches) == 1


def test_complete(running: Site) -> None:
    """A vehicle that drew and then draws less than 500 mA for three minutes is complete."""
    running.gateway.on()
    running.run(60, 8.0)
    running.run(100, 0.3)
    assert not any(Flag.COMPLETE in b.flags for b in running.gateway.batches)
    running.run(200, 0.3)
    assert Flag.COMPLETE in running.gateway.batches[-1].flags
    assert Flag.CONNECTED not in running.gateway.batches[-1].flags


def test_over_current(running: Site) -> None:
    """More than the maximum for three seconds opens the relay and ends the session."""
    running.gateway.on()
    running.run(30, 8.0)
    running.run(5, 18.0)
    assert not running.unit.closed()
    running.run(10)
    end = next(b for b in running.gateway.batches if Flag.END in b.flags)
    assert end.reason == Reason.OVER_CURRENT


def test_overdriven_sensor_counts_as_over_current(running: Site) -> None:
    """A converter at the end of its range hides the true current, so it is treated as too much."""
    running.gateway.on()
    running.run(30, 8.0)
    for _ in range(4):
        running.unit.step(1000)
        running.unit.window(15.0, clipped=500)
    running.run(10)
    assert any(b.reason == Reason.OVER_CURRENT for b in running.gateway.batches)


def test_welded_contacts(running: Site) -> None:
    """Current through an open relay is told as a fault and counted; END waits until it stops."""
    running.gateway.on()
    running.run(30, 8.0)
    running.gateway.end()
    for _ in range(20):
        for _ in range(4):
            running.unit.step(250)
        running.unit.window(8.0)
        running.passed += 1
        running.unit.exchange(running.gateway)
    assert not running.unit.closed()
    before = running.unit.energy
    running.unit.seconds(90, 0.0, None)
    assert running.unit.energy == before
    running.passed += 90
    running.run(10)
    flags = [b.flags for b in running.gateway.batches]
    assert any(Flag.FAULT in f for f in flags)
    assert sum(Flag.END in f for f in flags) == 1


def test_power_lost_in_a_session(running: Site) -> None:
    """After a power cut the relay is open, the register survived, and ON goes on without a second BEGIN."""
    running.gateway.on()
    running.run(125, 8.0)
    before = running.unit.energy
    assert running.unit.start()
    assert not running.unit.closed()
    assert running.unit.energy >= before - 8 * 230 * 10 / 3.6
    running.run(60, 8.0)
    assert running.unit.closed()
    assert sum(Flag.BEGIN in b.flags for b in running.gateway.batches) == 1
    assert running.gateway.batches[-1].session == SESSION
    assert running.gateway.batches[-1].boot == 2


def test_another_session_after_a_power_cut(running: Site) -> None:
    """Where the gateway goes on with another session, the lost one ends with the reason POWER_LOST."""
    running.gateway.on()
    running.run(125, 8.0)
    assert running.unit.start()
    running.gateway.on(OTHER_SESSION)
    running.run(60, 8.0)
    end = next(b for b in running.gateway.batches if Flag.END in b.flags)
    assert (end.session, end.reason) == (SESSION, Reason.POWER_LOST)
    begins = [b.session for b in running.gateway.batches if Flag.BEGIN in b.flags]
    assert begins == [SESSION, OTHER_SESSION]


def test_ended_session_is_not_begun_again(running: Site) -> None:
    """A late ON for a session that ended changes nothing."""
    running.gateway.on()
    running.run(30, 8.0)
    running.gateway.end()
    running.run(30, 8.0)
    running.gateway.on()
    running.run(60, 8.0)
    assert not running.unit.closed()


def test_end_is_answered_even_by_a_unit_that_forgot(running: Site) -> None:
    """END for a session that the unit doesn't know yields a last batch with the register as it is."""
    running.gateway.end(OTHER_SESSION)
    running.run(30)
    assert any(Flag.END in b.flags and b.session == OTHER_SESSION for b in running.gateway.batches)


def test_relay_stays_in_each_position(running: Site) -> None:
    """A gateway that changes its mind every second moves the relay at most every ten."""
    moves = running.unit.c.harness_relay_moves()
    for second in range(120):
        running.gateway.on() if second % 2 else running.gateway.off()
        running.run(1, 8.0)
    assert running.unit.c.harness_relay_moves() - moves <= 13


def test_always_on(site: Site) -> None:
    """Without a relay a session is a stretch of readings; END goes out although current flows on."""
    site.gateway.always_on = True
    assert site.unit.start()
    site.gateway.public_key = bytes(site.unit.core.ffi.buffer(site.unit.c.harness_public_key(), 32))
    site.run(3)
    site.gateway.on()

    def flow(seconds: int) -> None:
        for _ in range(seconds):
            site.passed += 1
            site.unit.step(1000)
            site.unit.window(9.0)
            site.unit.exchange(site.gateway)

    flow(120)
    site.gateway.end()
    flow(90)
    assert not site.unit.closed()
    begin = next(b for b in site.gateway.batches if Flag.BEGIN in b.flags)
    end = next(b for b in site.gateway.batches if Flag.END in b.flags)
    assert Flag.CLOSED in begin.flags
    assert end.register - begin.register > 9 * 230 * 100 / 3.6


def test_tag(running: Site) -> None:
    """A tag becomes a start request that holds its hash, never its id."""
    running.unit.c.harness_tag(bytes.fromhex("04a1b2c3"), 4)
    running.run(15)
    (request,) = running.gateway.requests
    assert request.kind == RequestKind.TAG
    assert request.tag == tag_hash(SALT, bytes.fromhex("04a1b2c3"))
    assert abs(request.time - running.gateway.clock()) < 20
    running.unit.c.harness_tag(bytes.fromhex("04a1b2c3d4e5f6"), 7)
    running.run(15)
    first, second = (r.number for r in running.gateway.requests)
    assert 0 < first < second


def test_climate_travels(running: Site) -> None:
    """Temperature and humidity are in the batches that follow."""
    running.unit.c.harness_climate(23, 55)
    running.run(60)
    assert (running.gateway.batches[-1].temperature, running.gateway.batches[-1].humidity) == (23, 55)


def test_too_hot(running: Site) -> None:
    """Three readings of 50 °C or more end the session."""
    running.gateway.on()
    running.run(30, 8.0)
    for _ in range(3):
        running.unit.c.harness_climate(51, 20)
        running.run(1, 8.0)
    running.run(10)
    assert any(b.reason == Reason.OVER_TEMPERATURE for b in running.gateway.batches)


def test_measured_voltage_is_said(running: Site) -> None:
    """Readings with a measured voltage carry it and say that it is one."""
    running.unit.c.harness_voltage(2412)
    running.gateway.on()
    running.run(90, 8.0)
    last = running.gateway.batches[-1]
    assert Flag.MEASURED_VOLTAGE in last.flags
    assert {s.voltage for s in last.samples} == {2412}


def test_idle_samples_are_left_out(running: Site) -> None:
    """Outside a session, where nothing flows, batches carry the register alone."""
    running.run(130)
    assert all(b.samples == () for b in running.gateway.batches)


def test_gateway_holds_answers_no_longer_than_to_the_next_batch(running: Site) -> None:
    """The unit asks the gateway to hold its answer for at most 25 s and never past the next batch."""
    running.run(130)
    assert max(running.gateway.waits) == 25
    assert min(running.gateway.waits) < 25


def test_unprovisioned_unit_stays_still(site: Site) -> None:
    """Without a whole identity there is no unit: nothing is sent and the relay stays open."""
    site.unit.memory[30] ^= 1
    assert not site.unit.start()


def test_time_server_dates_readings_until_the_gateway_answers(site: Site) -> None:
    """SNTP sets the clock while no gateway has; the gateway's time then replaces it."""
    assert site.unit.start()
    site.gateway.public_key = bytes(site.unit.core.ffi.buffer(site.unit.c.harness_public_key(), 32))
    for _ in range(8):
        site.unit.step(250)
    site.unit.answer(site.gateway.answer(site.unit.question()))
    site.unit.seconds(3)
    assert site.unit.core.ffi.string(site.unit.c.harness_time_asked()) == b"127.0.0.1"
    site.unit.c.harness_time_answer(NOON - 86_400)
    site.unit.seconds(2)
    assert abs(site.unit.c.harness_clock() - (NOON - 86_400)) < 5
    site.run(60)
    assert abs(site.unit.c.harness_clock() - site.gateway.clock()) <= 2


def _forged(gateway: Gateway, on: bytes, how: str) -> bytes:
    """`on`, spoilt in one way."""
    if how == "tag":
        return on[:-1] + bytes((on[-1] ^ 1,))
    if how == "other key":
        body = on[: -gateway.tag_bytes]
        secret = bytes(range(1, 33)) + bytes(32)
        if gateway.unit_class == "mac":
            return body + domain.mac(bytes(16), domain.COMMAND, body)
        return body + domain.sign(secret, domain.COMMAND, body)
    changes: dict[str, dict[str, object]] = {
        "boot": {"boot": gateway.boot - 1},
        "unit": {"unit": 8},
        "network": {"network": bytes(8)},
        "old": {"issued": gateway.clock() - 130},
        "early": {"issued": gateway.clock() + 200},
        "counter": {"counter": gateway.counter - 2},
    }
    return gateway.command(**changes[how])


@pytest.mark.parametrize("how", ["tag", "other key", "boot", "unit", "network", "old", "early", "counter"])
def test_attacker_switches_no_relay(running: Site, how: str) -> None:
    """Forged, replayed, misaddressed and outdated ON commands change nothing."""
    running.run(20)
    running.gateway.on()
    forged = _forged(running.gateway, running.gateway.command(), how)
    running.gateway.order = None
    running.unit.seconds(30)
    running.passed += 30
    question = running.unit.question()
    assert question
    running.unit.answer(http(forged))
    running.unit.seconds(30)
    assert not running.unit.closed()
    assert running.unit.c.harness_phase() == 0


def test_replayed_command_changes_nothing(running: Site) -> None:
    """The same authentic ON, played again after OFF, is not obeyed."""
    running.gateway.on()
    question = b""
    while not question:
        running.unit.seconds(1)
        running.passed += 1
        question = running.unit.question()
    recorded = running.gateway.answer(question)
    running.unit.answer(recorded)
    running.unit.seconds(15)
    running.passed += 15
    assert running.unit.closed()
    running.gateway.off()
    running.run(40)
    assert not running.unit.closed()
    question = b""
    while not question:
        running.unit.seconds(1)
        question = running.unit.question()
    running.unit.answer(recorded)
    running.unit.seconds(20)
    assert not running.unit.closed()


def test_overtaken_command_changes_nothing(running: Site) -> None:
    """An authentic ON that comes after the OFF that was given later is not obeyed."""
    running.run(20)
    running.gateway.on()
    overtaken = http(running.gateway.command())
    running.gateway.off()
    later = http(running.gateway.command())
    for answer in (later, overtaken):
        question = b""
        while not question:
            running.unit.seconds(1)
            running.passed += 1
            question = running.unit.question()
        running.unit.answer(answer)
        running.unit.seconds(15)
        running.passed += 15
        assert not running.unit.closed()
    assert running.unit.c.harness_phase() == 0


def test_forged_configuration_is_refused(site: Site) -> None:
    """A configuration that is not authentic, or answers an earlier start, is asked for again."""
    assert site.unit.start()
    site.gateway.public_key = bytes(site.unit.core.ffi.buffer(site.unit.c.harness_public_key(), 32))
    good = site.gateway.configuration(1)
    for forged in (good[:-1] + bytes((good[-1] ^ 1,)), site.gateway.configuration(0), good[:50]):
        question = b""
        while not question:
            site.unit.seconds(1)
            question = site.unit.question()
        site.unit.answer(http(forged))
        site.unit.seconds(1)
        assert not site.unit.c.harness_configured()
    site.run(30)
    assert site.unit.c.harness_configured()
