"""Exported ledgers: a file of blocks, one JSON object a line, that an auditor verifies offline.

============ =====================================================================
header       the block's header (`chaincode.signing.block`), base64
signature    of the ledger, over the header, base64
certificate  the ledger's, PEM
transactions each as it is in the block (`chaincode.signing.transaction`), base64
============ =====================================================================
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from chaincode.errors import InvalidArgument
from chaincode.fields import encode


@dataclass(frozen=True, slots=True)
class ExportedBlock:
    """One block, whole, as it was committed."""

    header: bytes
    signature: bytes
    certificate: bytes
    transactions: tuple[bytes, ...]

    def encode(self) -> bytes:
        """The block's line, without the line feed."""
        return encode(
            {
                "header": _base64(self.header),
                "signature": _base64(self.signature),
                "certificate": self.certificate.decode(),
                "transactions": [_base64(each) for each in self.transactions],
            }
        )


def decode_block(line: bytes) -> ExportedBlock:
    """The block in one line. Raises InvalidArgument where it is not one."""
    try:
        members = json.loads(line)
        return ExportedBlock(
            base64.b64decode(members["header"], validate=True),
            base64.b64decode(members["signature"], validate=True),
            members["certificate"].encode(),
            tuple(base64.b64decode(each, validate=True) for each in members["transactions"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidArgument("block", "is a line of an exported ledger") from error


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
