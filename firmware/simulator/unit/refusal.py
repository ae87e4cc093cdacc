"""Why a unit does not believe a message."""

from __future__ import annotations


class Refusal(Exception):
    """A message from the network that changes nothing. `why` is one word, as in the test vectors:
    length, version, kind, options, reserved, authentication, unit, network, boot, counter or issued."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
