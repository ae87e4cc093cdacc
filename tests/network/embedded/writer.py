"""A process that keeps a ledger busy until it is killed: `python -m tests.network.embedded.writer FOLDER`.

Sixteen tasks add one to a number of their own, again and again. Each acknowledged sum is written to standard
output as a line `number sum`, in one write, so that a line that was read had been acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from network.authority import Authority
from network.embedded.ledger import EmbeddedLedger
from network.identity import Identity
from network.organisation import Organisation
from tests import register

TASKS = 16
CHANNEL = "killing"
NAMESPACE = "condocharge-aurora"


def make(folder: Path) -> None:
    """What `reopen` needs: an authority and two identities."""
    authority = Authority.create("aurora")
    authority.save(folder / "authority")
    for role in ("gateway", "ledger"):
        authority.issue(role, role).save(folder / f"{role}.pem", folder / f"{role}.key")


async def reopen(folder: Path) -> EmbeddedLedger:
    """The ledger in `folder`, checked whole."""
    authority = Authority.load(folder / "authority")
    gateway, signer = (
        Identity.load(folder / f"{role}.pem", folder / f"{role}.key") for role in ("gateway", "ledger")
    )
    return await EmbeddedLedger.open(
        folder / "ledger.db",
        channel=CHANNEL,
        identity=gateway,
        signer=signer,
        organisations=[Organisation(authority.msp_id, authority.root)],
        dispatch=register.dispatch,
    )


async def _add(ledger: EmbeddedLedger, number: int) -> None:
    while True:
        committed = await ledger.submit(NAMESPACE, "add", [b"n%d" % number, b"1"])
        os.write(1, b"%d %s\n" % (number, committed.result))


async def _main(folder: Path) -> None:
    ledger = await reopen(folder)
    await asyncio.gather(*(_add(ledger, number) for number in range(TASKS)))


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
