"""A chaincode that does the same state accesses as a settlement, through Hyperledger's own Python shim.

Run with `fabric-chaincode-python` on the path, which is no dependency of ours. Its environment: CHAINCODE_ID,
CHAINCODE_ADDRESS, and the PEM files CHAINCODE_KEY, CHAINCODE_CERTIFICATE and CHAINCODE_CLIENT_AUTHORITY.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

from fabric_chaincode_python.fabric_shim import server  # type: ignore[import-not-found]
from fabric_chaincode_python.fabric_shim.interfaces import Chaincode  # type: ignore[import-not-found]
from fabric_chaincode_python.fabric_shim.response import success  # type: ignore[import-not-found]


class Accesses(Chaincode):  # type: ignore[misc]  # the package has no types
    """Reads the keys and writes as many bytes as it is told, one after the other: it knows no batches."""

    @staticmethod
    async def init(_stub: Any) -> Any:
        """Nothing to do."""
        return success(b"")

    @staticmethod
    async def invoke(stub: Any) -> Any:
        """One transaction."""
        _function, arguments = stub.get_function_and_parameters()
        wanted = json.loads(arguments[0])
        for key in wanted["reads"]:
            await stub.get_state(key)
        for key, size in wanted["writes"].items():
            await stub.put_state(key, b"x" * size)
        return success(b"{}")


if __name__ == "__main__":
    logging.disable(logging.INFO)  # it prints each message, keys and values included
    server.start(
        Accesses(),
        os.environ["CHAINCODE_ID"],
        os.environ["CHAINCODE_ADDRESS"],
        key=Path(os.environ["CHAINCODE_KEY"]).read_bytes(),
        cert=Path(os.environ["CHAINCODE_CERTIFICATE"]).read_bytes(),
        client_ca_certs=Path(os.environ["CHAINCODE_CLIENT_AUTHORITY"]).read_bytes(),
    )
