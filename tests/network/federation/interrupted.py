"""The network tool's steps as functions of words, for processes that are killed in the middle of them.

Each prints what it is about to do, a line a step.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from network.federation import join as newcomer
from network.federation.binaries import Binaries
from network.federation.description import Federation, FederationError
from network.federation.folder import LOCAL_ADDRESS, Folder, Ports
from network.federation.membership import admit as let_in
from tests.federation import RULES

NEWCOMER = "elm"
LONG = 5
"""Blocks; the load makes more than these at once, so that the newcomer takes a snapshot."""
_PATIENCE = 240


def prepare(words: list[str]) -> None:
    """Make the newcomer's keys: programs, its folder, the members' description, its first port."""
    programs, path, federation, port = words
    _say("preparing")
    newcomer.prepare(
        Path(path),
        NEWCOMER,
        Federation.load(Path(federation)),
        Binaries(Path(programs)),
        ports=Ports.block(int(port)),
        host=LOCAL_ADDRESS,
    )


def join(words: list[str]) -> None:
    """Join, and go on with the fingerprint that it asks for: programs, the newcomer's folder."""
    programs, path = words

    def call(fingerprint: str | None) -> None:
        joining = newcomer.join(
            Folder.open(Path(path)),
            Binaries(Path(programs)),
            RULES,
            _say,
            patience=_PATIENCE,
            snapshot_above=LONG,
            fingerprint=fingerprint,
        )
        asyncio.run(joining)

    try:
        call(None)
    except FederationError as error:
        call(str(error).split("--fingerprint ")[1])


def admit(words: list[str]) -> None:
    """Let the newcomer in: programs, a member's folder, the newcomer's public file."""
    programs, folder, public = words
    member = newcomer.read_public_file(Path(public))
    asyncio.run(let_in(Path(folder), member, Binaries(Path(programs)), RULES, _say, snapshot_above=LONG))


def _say(step: str) -> None:
    print(step, flush=True)
