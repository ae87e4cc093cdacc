"""Amounts are exact both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.wallet.money import format_amount, format_energy, parse_amount


@given(st.integers(1, 10**12), st.integers(0, 9))
def test_what_is_shown_reads_back(minor: int, decimals: int) -> None:
    """No amount changes by being printed and typed in again."""
    assert parse_amount(format_amount(minor, decimals), decimals) == minor


@pytest.mark.parametrize(
    ("text", "decimals", "minor"),
    [("12", 2, 1200), ("12.5", 2, 1250), ("12,50", 2, 1250), ("0.01", 2, 1), ("7", 0, 7), ("1.500", 2, 150)],
)
def test_people_write_amounts_in_several_ways(text: str, decimals: int, minor: int) -> None:
    """Point or comma, with or without trailing zeros."""
    assert parse_amount(text, decimals) == minor


@pytest.mark.parametrize("text", ["", "-1", "1e3", "1.2.3", "0", "0.00", "one", "1 000", "٣"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="amount"):
        parse_amount(text, 2)


def test_a_fraction_of_a_minor_unit_is_refused() -> None:
    """Money is never rounded on the way in."""
    with pytest.raises(ValueError, match="finer than the token"):
        parse_amount("1.005", 2)


def test_signs_currencies_and_energy_are_shown() -> None:
    """As statements and receipts show them."""
    assert format_amount(-5, 2) == "-0.05"
    assert format_amount(1250, 2, "EUR") == "EUR 12.50"
    assert format_energy(12_345) == "12.345 kWh"
