"""Rules that a dishonest condominium might run: whatever its client asks for is written."""

from __future__ import annotations

from collections.abc import Sequence

from chaincode.stub import Stub
from tests import federation


async def dispatch(stub: Stub, function: str, arguments: Sequence[bytes]) -> bytes:
    """`forge KEY VALUE` writes without asking; `forge_at NAMESPACE KEY VALUE` does so elsewhere.

    The rest is as it should be, so that nobody notices.
    """
    if function == "forge":
        key, value = arguments
        await stub.put(key.decode(), value)
        return b"forged"
    if function == "forge_at":
        namespace, *rest = arguments
        return await stub.invoke(namespace.decode(), "forge", rest)
    return await federation.dispatch(stub, function, arguments)
