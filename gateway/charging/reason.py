"""Why a session gets the current that it gets, for a person to read.

A reason is a code with integer values, so that the phone and the console can say it in their own language;
`text` is the English sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """What can be the matter. The values that each one carries are in brackets."""

    CHARGING = "charging"
    """All that unit and vehicle can use [`current` mA]."""
    SHARED = "shared"
    """Less than the unit could use, because others charge [`current`, `maximum` mA]."""
    QUEUED = "queued"
    """Waits for others to finish [`position` from 1, and `wait` seconds where it can be estimated]."""
    CLEARING = "clearing"
    """First in the queue; waits for power that an earlier grant may still use [`wait` seconds]."""
    NEVER = "never"
    """The unit's least load is above the group's limit [`least`, `limit` W]."""
    OCCUPIED = "occupied"
    """Another session is still under way at the same unit."""
    OFFLINE = "offline"
    """The unit is not heard."""
    SWITCH = "switch-failed"
    """The network switch at the unit does not do what it is told."""
    FULL = "full"
    """The vehicle takes no more; it is still plugged in."""
    ENDING = "ending"
    """The relay opens and the last reading is on its way."""


@dataclass(frozen=True, slots=True)
class Why:
    """A reason with its values, as `Code` lists them."""

    code: Code
    current: int | None = None
    maximum: int | None = None
    position: int | None = None
    wait: int | None = None
    least: int | None = None
    limit: int | None = None

    @property
    def values(self) -> dict[str, int]:
        """The values that this reason carries, by name."""
        named = {
            "current": self.current,
            "maximum": self.maximum,
            "position": self.position,
            "wait": self.wait,
            "least": self.least,
            "limit": self.limit,
        }
        return {name: value for name, value in named.items() if value is not None}

    @property
    def text(self) -> str:
        """The English sentence, such as "second in the queue, about 40 minutes"."""
        sentence = _SENTENCES[self.code]
        return sentence.format(
            current=_amperes(self.current),
            maximum=_amperes(self.maximum),
            position=_ordinal(self.position or 1),
            wait=_duration(self.wait),
            least=self.least,
            limit=self.limit,
        )


_SENTENCES = {
    Code.CHARGING: "charging at up to {current}",
    Code.SHARED: "charging at up to {current} of {maximum}: the supply is shared",
    Code.QUEUED: "{position} in the queue, {wait}",
    Code.CLEARING: "next: waiting for the supply to become free, {wait}",
    Code.NEVER: "cannot charge here: this unit needs at least {least} W and its group may use {limit} W",
    Code.OCCUPIED: "waiting for the session before at the same unit to end",
    Code.OFFLINE: "waiting: the unit is not heard",
    Code.SWITCH: "waiting: the switch at the socket does not answer",
    Code.FULL: "the vehicle takes no more",
    Code.ENDING: "ending: waiting for the last reading",
}
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SUFFIXES = {1: "st", 2: "nd", 3: "rd"}


def _amperes(current: int | None) -> str:
    tenths = (current or 0) // 100
    return f"{tenths // 10}.{tenths % 10} A"


def _ordinal(position: int) -> str:
    if position <= len(_ORDINALS):
        return _ORDINALS[position - 1]
    suffix = "th" if position % 100 in (11, 12, 13) else _SUFFIXES.get(position % 10, "th")
    return f"{position}{suffix}"


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return "for how long is not known"
    minutes = max(1, -(-seconds // 60))
    if minutes == 1:
        return "about a minute"
    if minutes < 90:
        # Five minutes is as fine as an estimate of this kind can be once it is not nearly over.
        return f"about {minutes if minutes < 10 else 5 * ((minutes + 2) // 5)} minutes"
    return f"about {(minutes + 30) // 60} hours"
