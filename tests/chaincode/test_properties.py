"""What holds whatever is submitted in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaincode.interleavings import Interleavings

WRITING = {
    "condominium.amend", "tariff.publish", "unit.enrol", "unit.rotate_key", "unit.retire",
    "wallet.rotate_key", "token.issue", "token.transfer", "token.redeem", "mandate.grant", "mandate.revoke",
    "session.open", "session.open_under_mandate", "session.start", "session.checkpoint", "session.settle",
    "session.abandon", "session.cancel", "session.stop", "session.reclaim", "escrow.reclaim", "claim.clear",
}  # fmt: skip
"""What somebody may submit that writes: the rest are queries, or called by another namespace's chaincode."""


@pytest.mark.slow
def test_the_books_balance_after_every_transaction() -> None:
    """Whatever is done in whatever order; and every transaction that writes was among it."""
    Interleavings.accepted.clear()
    run_state_machine_as_test(
        Interleavings,
        settings=settings(
            max_examples=150,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
    assert set(Interleavings.accepted) == WRITING
