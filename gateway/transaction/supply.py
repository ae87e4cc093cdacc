"""Where all tokens are: issued = balances + escrow + income + redeemed, summed by the ledger's own pages."""

from __future__ import annotations

import json
from dataclasses import dataclass

from chaincode.fields import encode
from gateway.transaction.submission import Submitter


@dataclass(frozen=True, slots=True)
class Supply:
    """The terms in minor units. Pages read one after another: while tokens move, sums may differ by them."""

    issued: int
    balances: int
    escrow: int
    income: int
    redeemed: int


async def read_supply(submitter: Submitter) -> Supply:
    """Add up every term. Raises LedgerError. Its cost grows with the number of wallets and sessions."""
    terms = ("issued", "balances", "escrow", "income", "redeemed")
    return Supply(**{term: await _sum(submitter, term) for term in terms})


async def _sum(submitter: Submitter, term: str) -> int:
    total, bookmark = 0, ""
    while True:
        request = {"term": term, "bookmark": bookmark}
        page = json.loads(await submitter.evaluate("audit.supply", [encode(request)]))
        total += int(page["sum"])
        bookmark = page["bookmark"]
        if not bookmark:
            return total
