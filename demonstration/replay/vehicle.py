"""The car of a row: one that takes what the file says it took, in the time that it was there."""

from __future__ import annotations

from demonstration.replay.row import SOCKET_CURRENT, SOCKET_VOLTAGE, STARTING, Row
from firmware.simulator.electrical.battery import Battery
from firmware.simulator.electrical.car import Car

_VOLTAGE = SOCKET_VOLTAGE / 10
_PLUG_IN_HYBRID = 10_000
"""Wh: a car that took less is taken for a plug-in hybrid, which charges with half the socket's current."""
_TAPER = 1_000.0
"""Wh, at most a tenth of the energy, over which the current falls at the end."""
_LEAST = 3.0
"""A at which the charge curve ends."""
_SPARE = 0.95
"""The part of its stay in which a car is full, where there is a choice."""


def car_for(row: Row) -> Car:
    """A car that lacks what the row delivered, and takes it in time: the gentlest charge curve that does."""
    stay = row.departure - row.arrival - STARTING
    taper = min(_TAPER, row.delivered / 10)
    currents = [SOCKET_CURRENT / 1_000]
    if row.delivered < _PLUG_IN_HYBRID:
        currents.insert(0, SOCKET_CURRENT / 2_000)
    for rated in currents:
        car = _car(row, rated, taper if taper >= 1 else 0.0)
        if car.time_to_full(_VOLTAGE) <= _SPARE * stay:
            return car
    return _car(row, SOCKET_CURRENT / 1_000, 0.0)


def _car(row: Row, rated: float, taper: float) -> Car:
    return Car(Battery(row.delivered, 0.0), rated=rated, taper=taper, least=_LEAST, efficiency=1.0)
