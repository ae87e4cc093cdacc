"""A channel as an auditor takes it away, from a member's peer (`/v1/ledger/export` from a gateway)."""

from __future__ import annotations

from pathlib import Path

from network.fabric.ledger import FabricLedger
from network.federation.administration import own_peer
from network.federation.description import FederationError
from network.federation.folder import Folder


async def export(folder: Folder, file: Path) -> int:
    """Write every block to `file`, which is there whole or not at all; returns how many there are.

    Raises FederationError where the file cannot be written, and LedgerError where the peer does not answer
    or, as it joined from a snapshot, has not all blocks."""
    ledger = FabricLedger(folder.admin(), folder.federation.channel, [own_peer(folder)])
    draft = file.with_name(f"{file.name}.part")
    try:
        height = await ledger.height()
        with draft.open("wb") as target:
            for number in range(height):
                target.write(await ledger.export(number) + b"\n")
        draft.replace(file)
    except OSError as error:
        raise FederationError(f"{file} cannot be written: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
        await ledger.close()
    return height
