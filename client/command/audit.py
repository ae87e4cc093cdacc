"""`condocharge audit`: take the whole ledger away, and verify all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import click
from rich.progress import MofNCompleteColumn, Progress, TaskID, TimeRemainingColumn

from chaincode.signing.fabric.export import is_fabric
from client.auditor.channel import ChannelAudit
from client.auditor.errors import VerificationError
from client.auditor.ledger import LedgerAudit
from client.auditor.report import LedgerReport
from client.command.access import choose
from client.command.failure import Failure, NotVerified, read_file
from client.command.terminal import json_option, notices, print_facts, print_json, print_table
from client.wallet.gateway import Gateway


@click.group()
def audit() -> None:
    """Verify a ledger from its first block to its last, trusting nobody's server."""


@audit.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--gateway",
    "address",
    envvar="CONDOCHARGE_GATEWAY",
    help="Whose copy of the ledger to take; your wallet's gateway otherwise.",
)
@json_option
def export(file: Path, address: str | None, as_json: bool) -> None:
    """Write the whole ledger to FILE, one block a line."""
    with Gateway(address or choose(None).home.gateway) as gateway:
        height = gateway.height()
        blocks = _write(file, _counted(gateway.export(), height, as_json=as_json))
    if as_json:
        print_json({"file": str(file), "blocks": blocks})
    else:
        print_facts([("file", file), ("blocks", blocks)])


@audit.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--root",
    "roots",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A condominium's root certificate (PEM); once for each that signed anything. On a network of "
    "condominiums one is enough: its first block names the others'.",
)
@json_option
def verify(file: Path, roots: tuple[Path, ...], as_json: bool) -> None:
    """Verify the exported ledger in FILE: chain, signatures, every transaction by the rules, supply.

    Exit code 4 says that it is wrong, and which block.
    """
    certificates = [read_file(root) for root in roots]
    try:
        with file.open("rb") as lines, _progress(as_json=as_json) as progress:
            task = progress.add_task("verifying", total=file.stat().st_size)
            report = asyncio.run(_verify(certificates, _advancing(lines, progress, task)))
    except VerificationError as error:
        raise NotVerified(f"the ledger is not to be believed: {error}") from error
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror or error}") from error
    if as_json:
        print_json({"verified": True, **asdict(report)})
    else:
        _show(report)


async def _verify(roots: list[bytes], lines: Iterable[bytes]) -> LedgerReport:
    audit: LedgerAudit | ChannelAudit | None = None
    for line in lines:
        if audit is None:
            audit = ChannelAudit(roots) if is_fabric(line) else LedgerAudit(roots)
        await audit.add(line.removesuffix(b"\n"))
    return (audit or LedgerAudit(roots)).report()


def _advancing(lines: Iterable[bytes], progress: Progress, task: TaskID) -> Iterator[bytes]:
    for line in lines:
        yield line
        progress.update(task, advance=len(line))


def _write(file: Path, lines: Iterator[bytes]) -> int:
    """Write an export that is there whole or not at all. Returns how many blocks it has."""
    draft = file.with_name(f"{file.name}.part")
    count = 0
    try:
        with draft.open("wb") as target:
            for line in lines:
                target.write(line + b"\n")
                count += 1
        draft.replace(file)
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror or error}; choose another place") from error
    finally:
        draft.unlink(missing_ok=True)
    return count


def _counted(lines: Iterator[bytes], height: int, *, as_json: bool) -> Iterator[bytes]:
    with _progress(MofNCompleteColumn(), as_json=as_json) as progress:
        task = progress.add_task("exporting", total=height)
        for line in lines:
            yield line
            progress.update(task, advance=1)


def _progress(*columns: MofNCompleteColumn, as_json: bool) -> Progress:
    return Progress(
        *Progress.get_default_columns()[:2],
        *columns,
        TimeRemainingColumn(),
        console=notices(),
        disable=as_json,
    )


def _show(report: LedgerReport) -> None:
    print_facts(
        [
            ("network", report.network),
            ("blocks", report.blocks),
            ("transactions", report.transactions),
            ("last hash", report.last_hash),
        ]
    )
    print_table(("validation", "transactions"), report.validations.items())
    print_table(("function", "transactions"), report.functions.items())
    columns = ("issued", "balances", "escrow", "income", "redeemed")
    rows = [(name, *asdict(supply).values()) for name, supply in report.supply.items()]
    print_table(("supply, minor units", *columns), rows)
