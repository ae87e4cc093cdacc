"""The platform's rules, and a function that fills the state with settled sessions for measuring."""

from __future__ import annotations

from collections.abc import Sequence

from chaincode import contract
from chaincode.stub import Stub, composite_key

KINDS = ("session", "escrow", "income", "spent")
"""A settled session leaves about as many keys."""
VALUE = b"x" * 400


async def dispatch(stub: Stub, function: str, arguments: Sequence[bytes]) -> bytes:
    """`fill FIRST COUNT` writes the keys of that many sessions; the rest is the rules'."""
    if function != "fill":
        return await contract.dispatch(stub, function, arguments)
    first, count = (int(argument) for argument in arguments)
    for number in range(first, first + count):
        for kind in KINDS:
            await stub.put(composite_key(f"filled {kind}", f"{number:064x}"), VALUE)
    return b"filled"
