"""How many examples Hypothesis tries where a test says it for itself."""

from __future__ import annotations

from hypothesis import settings

_USUAL = 100
"""Hypothesis' own number, by which a test's is scaled."""


def examples(count: int) -> int:
    """`count`, or a part of it where the profile tries fewer than usual (`make test-fast`)."""
    return max(1, count * settings().max_examples // _USUAL)
