"""A bad network on demand."""

from __future__ import annotations

from firmware.simulator.transport.disturbance import Disturbance, Link


def test_a_sound_network_carries_all_in_order() -> None:
    """Nothing set, nothing lost."""
    link = Link(Disturbance())
    for number in range(5):
        link.send(float(number), bytes([number]))
    assert link.arrived(2.0) == [b"\0", b"\1", b"\2"]
    assert link.due == 3.0
    assert link.arrived(9.0) == [b"\3", b"\4"]
    assert link.due is None


def test_messages_are_lost_doubled_delayed_and_overtaken() -> None:
    """Each as often as was asked for."""
    link = Link(Disturbance(drop=0.25, duplicate=0.5, delay=(0.0, 30.0)))
    for number in range(1_000):
        link.send(number / 100, number.to_bytes(2, "big"))
    arrived = link.arrived(100.0)
    distinct = set(arrived)
    assert 700 < len(distinct) < 800
    assert 1.4 < len(arrived) / len(distinct) < 1.6
    assert arrived != sorted(arrived)


def test_a_cut_carries_nothing() -> None:
    """Until it is mended."""
    weather = Disturbance(cut=True)
    link = Link(weather)
    link.send(0.0, b"lost")
    weather.cut = False
    link.send(0.0, b"kept")
    assert link.arrived(1.0) == [b"kept"]
