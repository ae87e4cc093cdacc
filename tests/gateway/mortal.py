"""`condocharge serve` that kills itself in the middle of a transaction, once, where a file says so.

The file in `MORTAL` holds a function of the rules and the phase that it does not live to see: `submit`, so
that the transaction is endorsed and nobody has it, or `commit`, so that the orderers have it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from gateway.command import serve
from network.fabric.gateway import Gateway

MORTAL = "MORTAL"


def main(words: list[str]) -> None:
    """Serve until the hour has come."""
    order = Path(os.environ[MORTAL])
    functions: dict[str, str] = {}
    propose = Gateway.propose

    def remember(self: Gateway, namespace: str, arguments: Any) -> Any:
        proposal = propose(self, namespace, arguments)
        functions[proposal.transaction_id] = arguments[0].decode()
        return proposal

    def dying(phase: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def act(self: Gateway, transaction_id: str, *rest: Any) -> Any:
            if order.exists() and order.read_text() == f"{functions.get(transaction_id)} {phase}":
                order.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            return await method(self, transaction_id, *rest)

        return act

    setattr(Gateway, "propose", remember)  # noqa: B010
    setattr(Gateway, "hand_over", dying("submit", Gateway.hand_over))  # noqa: B010
    setattr(Gateway, "commit_status", dying("commit", Gateway.commit_status))  # noqa: B010
    serve(words, prog_name="condocharge serve")
