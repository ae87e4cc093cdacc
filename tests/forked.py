"""Processes that have the platform loaded when they begin: starting Python and importing is most of a start.

They are forked from a server process in which nothing but imports has run.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from io import TextIOWrapper
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["gateway.command", "demonstration.building.command", "client.command.main", "network.federation.join"]
)


def fork(
    command: str, words: list[str], errors: Path, environment: Mapping[str, str] | None = None
) -> tuple[BaseProcess, TextIOWrapper]:
    """Run a click command, or another function of a list of words (`module:name`), in a process of its own.

    It runs in `environment` (None: this one); its errors go to the end of a file. Returns the process and
    what it prints, whose first line is `begun`."""
    reading, writing = _CONTEXT.Pipe(duplex=False)
    variables = dict(os.environ if environment is None else environment)
    process = _CONTEXT.Process(target=_run, args=(command, words, str(errors), variables, writing))
    process.start()
    writing.close()
    with reading:
        return process, os.fdopen(os.dup(reading.fileno()), encoding="utf-8")


def finished(
    command: str, words: list[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What came of a command that was run as `fork` runs it, as `subprocess.run` says it."""
    with tempfile.TemporaryDirectory() as place:
        errors = Path(place) / "errors"
        process, output = fork(command, words, errors, environment)
        with output:
            begun = output.readline()
            said = output.read()
        process.join()
        assert begun == "begun\n"
        assert process.exitcode is not None
        return subprocess.CompletedProcess(words, process.exitcode, said, errors.read_text())


def _run(command: str, words: list[str], errors: str, variables: dict[str, str], output: Connection) -> None:
    os.environ.clear()
    os.environ.update(variables)
    os.dup2(output.fileno(), sys.stdout.fileno())
    output.close()
    with Path(errors).open("a") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    module, _, name = command.partition(":")
    getattr(importlib.import_module(module), name)(words)
