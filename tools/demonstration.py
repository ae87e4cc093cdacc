"""The demonstration condominium in a process of its own, and the browser to look at it with: for pictures,
benchmarks and tests."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserType, Playwright

ROOT = Path(__file__).resolve().parent.parent
_LONGEST_STOP = 60
"""Seconds in which it has stopped, also on a busy machine."""
_BROWSER = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class DemonstrationError(Exception):
    """Why there is no demonstration to look at, as a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Building:
    """Where the demonstration is, and how to log in at its console."""

    wallet: str
    console: str
    username: str
    password: str
    process: int
    """Its process id: a test may hold it up for a moment."""


@contextmanager
def running(
    folder: Path, options: Sequence[str] = (), module: str = "demonstration.building"
) -> Iterator[Building]:
    """A demonstration that keeps its data in `folder`, on any free ports; stopped cleanly at the end.

    `options` are further ones of `condocharge run`, `module` is what runs instead of it. Raises
    DemonstrationError where it does not start or does not stop as it should.
    """
    command = [
        sys.executable,
        "-m",
        module,
        "--port",
        "0",
        "--folder",
        str(folder),
        *options,
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _read(process)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                ended = process.wait(_LONGEST_STOP)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise DemonstrationError(f"the demonstration did not stop in {_LONGEST_STOP} s") from error
    if ended != 0:
        raise DemonstrationError(f"the demonstration ended with status {ended}, not 0")


def _read(process: subprocess.Popen[str]) -> Building:
    """What it prints until it is ready."""
    assert process.stdout is not None
    text = ""
    while "Ctrl-C" not in text:
        line = process.stdout.readline()
        if not line:
            raise DemonstrationError(f"the demonstration ended before it was ready: {text}")
        text += line
    wallet = re.search(r"^wallet +(\S+)", text, re.MULTILINE)
    console = re.search(r"^console +(\S+) +log in as (\S+), password (\S+)", text, re.MULTILINE)
    if wallet is None or console is None:
        raise DemonstrationError(f"the demonstration does not say where it is: {text}")
    return Building(wallet[1], console[1], console[2], console[3], process.pid)


def chromium(playwright: Playwright) -> Browser:
    """Debian's Chromium, or the one that CHROMIUM names, headless.

    Raises DemonstrationError where there is none."""
    return launched(playwright.chromium)


def launched(kind: BrowserType, options: Sequence[str] = ()) -> Browser:
    """As `chromium`, one more with `options` of its own, such as a camera that shows a film."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if executable is None:
        raise DemonstrationError("Chromium is missing: run make packages, or name it in CHROMIUM")
    return kind.launch(executable_path=executable, args=[*_BROWSER, *options])
