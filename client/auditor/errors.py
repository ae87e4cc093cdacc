"""What an auditor finds.

::

    VerificationError
    ├── ReceiptError  a receipt does not prove what it says
    └── LedgerWrong   a block of an exported ledger is not what the rules and its signatures make it
"""

from __future__ import annotations


class VerificationError(Exception):
    """What was verified is not to be believed; the sentence says which link fails."""


class ReceiptError(VerificationError):
    """A receipt does not prove what it says."""


class LedgerWrong(VerificationError):
    """A block of an exported ledger is wrong."""

    def __init__(self, block: int, sentence: str) -> None:
        super().__init__(f"block {block}: {sentence}")
        self.block = block
