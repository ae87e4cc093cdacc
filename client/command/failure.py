"""How the command fails: one sentence that says what to do, and an exit code that a script can act on.

==== ===========================================================================
code meaning
==== ===========================================================================
0    done
1    refused: by the rules, the gateway, or a file that is not as it should be
2    the command was given wrongly
3    the gateway does not answer; try again
4    verified and found wrong: the receipt or the ledger is not to be believed
==== ===========================================================================
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import click

from chaincode.errors import ContractError
from client.command.terminal import printable
from client.wallet.gateway import GatewayError, GatewayUnreachable
from client.wallet.keystore import KeystoreError

EXPECTED: tuple[type[Exception], ...] = (ContractError, GatewayError, KeystoreError)
"""What is no defect of the program: shown as a sentence, without a traceback."""


class Failure(click.ClickException):
    """A sentence for the person at the terminal, some of it perhaps a gateway's words."""

    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str) -> None:
        super().__init__(printable(sentence))


class Unreachable(Failure):
    """The gateway does not answer."""

    exit_code: ClassVar[int] = 3


class NotVerified(Failure):
    """What was verified is not to be believed."""

    exit_code: ClassVar[int] = 4


def failure_of(error: Exception) -> Failure:
    """An expected error as the command reports it."""
    return Unreachable(str(error)) if isinstance(error, GatewayUnreachable) else Failure(str(error))


def write_file(path: Path, content: bytes) -> None:
    """Write a result, or fail with what stands in the way."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror or error}; choose another place") from error


def refuse_overwriting(path: Path | None) -> None:
    """Fail where a result would be written over a file that is there."""
    if path is not None and path.exists():
        raise Failure(f"{path} is there already; choose another place, or add --force")


def read_file(path: Path) -> bytes:
    """Read what the person named, or fail with what stands in the way."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror or error}") from error
