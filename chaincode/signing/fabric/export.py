"""Exported Fabric channels: a file of blocks, one JSON object a line, that an auditor verifies offline.

====== ==========================================================================
ledger `fabric`; lines of an embedded ledger (`chaincode.signing.export`) lack it
block  `common.Block` as the peer has it, base64
====== ==========================================================================
"""

from __future__ import annotations

import base64
import json

from chaincode.errors import InvalidArgument
from chaincode.fields import encode
from chaincode.signing.fabric.receipt import LEDGER


def export_block(block: bytes) -> bytes:
    """The block's line, without the line feed."""
    return encode({"ledger": LEDGER, "block": base64.b64encode(block).decode()})


def is_fabric(line: bytes) -> bool:
    """Whether a line is of a Fabric channel, not of an embedded ledger."""
    try:
        members = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(members, dict) and members.get("ledger") == LEDGER


def read_block(line: bytes) -> bytes:
    """The block in one line. Raises InvalidArgument where it is not one."""
    try:
        members = json.loads(line)
        if members.keys() != {"ledger", "block"} or members["ledger"] != LEDGER:
            raise InvalidArgument("block", "is a line of an exported Fabric channel")
        return base64.b64decode(members["block"], validate=True)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidArgument("block", "is a line of an exported Fabric channel") from error
