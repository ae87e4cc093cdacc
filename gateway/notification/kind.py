"""What a resident can ask to be told (paper section 4.3.3)."""

from __future__ import annotations

from enum import StrEnum


class NoticeKind(StrEnum):
    """A kind of notice; each wallet chooses among them."""

    CHARGED = "charged"
    """The car is full, or the session has ended."""
    QUEUED = "queued"
    """The session waits, and when its turn has come."""
    ABNORMAL = "abnormal"
    """An alarm was raised in the session or at its unit."""
    LOW_BALANCE = "low-balance"
    """What is left would not pay for the same session again."""
