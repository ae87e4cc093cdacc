"""Why a transaction is rejected.

::

    ContractError
    ├── InvalidArgument    an argument breaks a rule of form: field and rule say which
    ├── NotAuthorised      the creator, wallet or unit may not do this
    ├── NotFound           a record that the transaction needs does not exist
    └── StateConflict      the records do not allow it now: wrong state, too little money, too early

Each names the `field` and the `rule` in words that a person can act on. Across a ledger's boundary an
error travels as JSON (`encode`, `decode_error`), so a client on Fabric sees what one in-process sees.
"""

from __future__ import annotations

import json
from typing import ClassVar


class ContractError(Exception):
    """A transaction that the rules reject; nothing of it is written."""

    code: ClassVar[str] = "rejected"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field} breaks the rule: {rule}")
        self.field = field
        self.rule = rule

    def encode(self) -> str:
        """This error as the message that a chaincode answers with."""
        return json.dumps({"code": self.code, "field": self.field, "rule": self.rule}, sort_keys=True)


class InvalidArgument(ContractError):
    """An argument breaks a rule of form."""

    code = "invalid-argument"


class NotAuthorised(ContractError):
    """The creator, wallet or unit may not do this."""

    code = "not-authorised"


class NotFound(ContractError):
    """A record that the transaction needs does not exist."""

    code = "not-found"


class StateConflict(ContractError):
    """The records as they are do not allow the transaction."""

    code = "state-conflict"


_BY_CODE: dict[str, type[ContractError]] = {
    error.code: error for error in (ContractError, InvalidArgument, NotAuthorised, NotFound, StateConflict)
}


def decode_error(message: str) -> ContractError | None:
    """The error that `ContractError.encode` made, or None where `message` is not one of ours."""
    start = message.find('{"code"')
    if start < 0:
        return None
    try:
        body, _ = json.JSONDecoder().raw_decode(message[start:])
    except json.JSONDecodeError:
        return None
    if not isinstance(body, dict) or not all(isinstance(body.get(k), str) for k in ("code", "field", "rule")):
        return None
    kind = _BY_CODE.get(body["code"], ContractError)
    return kind(body["field"], body["rule"])
