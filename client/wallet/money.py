"""Amounts as people write them, and as the ledger holds them: integers in minor units."""

from __future__ import annotations

import re

_AMOUNT = re.compile(r"([0-9]{1,13})(?:[.,]([0-9]{1,9}))?")


def parse_amount(text: str, decimals: int) -> int:
    """Minor units of an amount such as `12`, `12.5` or `12,50`, where a token has `decimals` decimal places.

    Raises ValueError where it is no amount above nothing, or is finer than the token."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an amount; write it as 12 or 12.50")
    whole, fraction = match.group(1), match.group(2) or ""
    if len(fraction.rstrip("0")) > decimals:
        raise ValueError(f"{text!r} is finer than the token, which has {decimals} decimal places")
    minor = int(whole + fraction[:decimals].ljust(decimals, "0"))
    if minor == 0:
        raise ValueError("an amount is more than nothing")
    return minor


def format_amount(minor: int, decimals: int, currency: str = "") -> str:
    """`1250` with two decimals as `12.50`, after the currency where one is given."""
    sign = "-" if minor < 0 else ""
    whole, fraction = divmod(abs(minor), 10**decimals)
    number = f"{sign}{whole}.{fraction:0{decimals}d}" if decimals else f"{sign}{whole}"
    return f"{currency} {number}" if currency else number


def format_price(millionths: int, decimals: int, currency: str) -> str:
    """Millionths of a token as money, without the zeros behind those that a token has anyway."""
    whole, _, fraction = format_amount(millionths, 6, currency).partition(".")
    shown = fraction.rstrip("0").ljust(decimals, "0")
    return f"{whole}.{shown}" if shown else whole


def format_energy(watt_hours: int) -> str:
    """Wh as kWh with three decimals, exactly."""
    return f"{format_amount(watt_hours, 3)} kWh"
