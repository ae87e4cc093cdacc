"""What an auditor of a whole ledger reports, embedded or Fabric."""

from __future__ import annotations

from dataclasses import dataclass

from client.auditor.state import Supply


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What a verified ledger holds."""

    network: str
    blocks: int
    transactions: int
    validations: dict[str, int]
    """How many transactions had each validation code."""
    functions: dict[str, int]
    """How many valid transactions called each function."""
    last_hash: str
    """Of the last header, hexadecimal: what auditors compare."""
    supply: dict[str, Supply]
    """By namespace."""
