"""What waits for the gateway."""

from __future__ import annotations

from firmware.simulator.unit.batch import Flag
from firmware.simulator.unit.ring import Ring


def test_detail_goes_before_begin_and_end() -> None:
    """A full ring drops its oldest batch that neither begins nor ends a session."""
    ring = Ring(3)
    ring.add(1, Flag.BEGIN, b"begin")
    ring.add(2, 0, b"detail")
    ring.add(3, Flag.END, b"end")
    ring.add(4, 0, b"newer")
    assert ring.messages == [b"begin", b"end", b"newer"]
    assert ring.dropped == 1


def test_what_is_acknowledged_is_forgotten() -> None:
    """All up to the number, the rest stays."""
    ring = Ring()
    for number in (3, 4, 6):
        ring.add(number, 0, bytes([number]))
    ring.acknowledge(4)
    assert ring.messages == [b"\x06"]
    ring.acknowledge(2)
    assert ring.messages == [b"\x06"]


def test_a_ring_of_marks_drops_the_oldest() -> None:
    """Where all begin or end something there is no better choice."""
    ring = Ring(1)
    ring.add(1, Flag.END, b"old")
    ring.add(2, Flag.BEGIN, b"new")
    assert ring.messages == [b"new"]
