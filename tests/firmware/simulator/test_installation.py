"""A socket with its unit: what the meter says against the electrical truth."""

from __future__ import annotations

import pytest

from chaincode.signing.batch import Flag, body_length, decode_batch
from chaincode.signing.command import CommandKind
from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car
from firmware.simulator.electrical.channel import Channel
from firmware.simulator.electrical.hall import HallSensor
from firmware.simulator.electrical.outlet import Outlet
from firmware.simulator.installation import Installation, Metering, Oscillator
from firmware.simulator.unit.metering import HALL
from tests.firmware.simulator.counterpart import EPOCH, Counterpart, identity


def run(place: Installation, *, step: float, rated: float) -> tuple[int, float]:
    """Charge a car for an hour; mWh by the register and by the truth."""
    gateway = Counterpart()
    place.power_up()
    gateway.receive(place.step(EPOCH, configuration=gateway.configuration(maximum=320)).batches)
    place.outlet.car = Car(Battery(50_000, 0), rated=rated, least=min(2.0, rated))
    gateway.receive(
        place.step(EPOCH + 6, command=gateway.command(CommandKind.ON, EPOCH + 6, grant=5_000)).batches
    )
    time = EPOCH + 6.0
    while time < EPOCH + 3_606:
        time += step
        gateway.receive(place.step(time).batches)
    place.step(time, command=gateway.command(CommandKind.END, int(time)))
    gateway.receive(place.step(time + 2).batches)
    begin, end = gateway.flags(Flag.BEGIN)[0], gateway.flags(Flag.END)[0]
    return end.register - begin.register, place.outlet.energy * 1_000


@pytest.mark.parametrize("rated", [6.0, 10.0, 16.0, 32.0])
def test_the_register_is_within_one_percent_in_fast_mode(rated: float) -> None:
    """With the clamp, from 6 A."""
    register, truth = run(Installation(Outlet(float(EPOCH)), identity()), step=60, rated=rated)
    assert register == pytest.approx(truth, rel=0.003)


@pytest.mark.slow
@pytest.mark.parametrize(("rated", "bound"), [(1.0, 0.03), (6.0, 0.01), (16.0, 0.01)])
def test_the_register_is_within_its_bounds_when_sampled(rated: float, bound: float) -> None:
    """Conversion by conversion along the waveform: 3 % from 1 A, 1 % from 6 A."""
    place = Installation(Outlet(float(EPOCH)), identity(), metering=Metering.SAMPLED)
    register, truth = run(place, step=10, rated=rated)
    assert register == pytest.approx(truth, rel=bound)


def test_the_hall_sensor_measures_too() -> None:
    """Up to where it is linear."""
    place = Installation(Outlet(float(EPOCH)), identity(), channel=Channel(HallSensor()), calibration=HALL)
    register, truth = run(place, step=60, rated=10.0)
    assert register == pytest.approx(truth, rel=0.003)


def test_a_fast_oscillator_overcounts_by_as_much() -> None:
    """100 ppm, as bad crystals are, are a hundredth of a percent."""
    drifting = Installation(Outlet(float(EPOCH)), identity(), oscillator=Oscillator(100))
    true = Installation(Outlet(float(EPOCH)), identity())
    register, _ = run(drifting, step=60, rated=16)
    assert register == pytest.approx(run(true, step=60, rated=16)[0] * 1.0001, abs=30)


def test_a_power_cut_takes_socket_and_unit() -> None:
    """Nothing flows and nothing steps until power is back; the relay is then open."""
    place = Installation(Outlet(float(EPOCH)), identity())
    run(place, step=60, rated=10)
    energy = place.outlet.energy
    place.power_cut()
    with pytest.raises(RuntimeError, match="no power"):
        place.step(EPOCH + 9_000)
    place.power_up()
    assert place.outlet.relay is not None
    assert not place.outlet.relay.closed
    place.step(EPOCH + 9_100)
    assert place.outlet.energy == energy


def test_stepping_only_to_report_says_the_same() -> None:
    """A car that tapers and fills up, stepped at every due moment and only where there is something to say:
    the same batches, but that the moment of filling up is seen to the second."""
    said = []
    for lazy in (False, True):
        gateway = Counterpart()
        place = Installation(Outlet(float(EPOCH)), identity())
        place.power_up()
        messages = place.step(
            EPOCH, configuration=gateway.configuration(transmission=900, maximum=320)
        ).batches
        place.outlet.car = Car(Battery(50_000, 48_000), rated=16)
        messages += place.step(EPOCH + 6).batches
        gateway.receive(messages)
        messages += place.step(
            EPOCH + 6, command=gateway.command(CommandKind.ON, EPOCH + 6, grant=20_000)
        ).batches
        steps = 0
        while place.outlet.time < EPOCH + 7_200:
            due = min(place.due_to_report if lazy else place.due, EPOCH + 7_200)
            messages += place.catch_up(due)
            messages += place.step(due).batches
            steps += 1
        said.append((messages, steps))
    (eager, often), (lazily, seldom) = said
    read = [[decode_batch(message[: body_length(message)]) for message in each] for each in (eager, lazily)]
    for one, other in zip(*read, strict=True):
        assert (one.number, one.flags) == (other.number, other.flags)
        assert one.register == pytest.approx(other.register, abs=10)
        assert abs(one.time - other.time) <= 60
    assert any(Flag.COMPLETE in batch.flags for batch in read[0])
    assert seldom < often / 3
