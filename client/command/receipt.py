"""`condocharge receipt`: keep what a session cost, and check it without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from client.auditor.errors import VerificationError
from client.auditor.readings import VerifiedReadings, verify_readings
from client.auditor.receipt import VerifiedReceipt, verify_receipt
from client.command.access import choose, keystore, unlocked, wallet_options
from client.command.failure import Failure, NotVerified, read_file, refuse_overwriting, write_file
from client.command.session import last_ended, metering_words, session_argument, stopped_words
from client.command.terminal import json_option, local_time, print_facts, print_json
from client.wallet.money import format_amount, format_energy


@click.group()
def receipt() -> None:
    """What a session cost, in a file that proves itself."""


_readings_option = click.option(
    "--readings",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The session's raw readings too: every batch, one after another, as the unit sent them.",
)
_root_option = click.option(
    "--root",
    "roots",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The condominium's root certificate (PEM), your wallet's otherwise. On a network of condominiums "
    "give several: two of them must then have signed the session's blocks, each in its own receipt (--with).",
)
_with_option = click.option(
    "--with",
    "others",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Another member's receipt of the same session, on a network of condominiums.",
)


@receipt.command()
@session_argument
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it; receipt-SESSION.json here otherwise.",
)
@_readings_option
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@_root_option
@_with_option
@wallet_options
@json_option
def save(
    *,
    session: str | None,
    output: Path | None,
    readings: Path | None,
    force: bool,
    roots: tuple[Path, ...],
    others: tuple[Path, ...],
    name: str | None,
    address: str | None,
    as_json: bool,
) -> None:
    """Get the receipt of a session, and verify it before it is kept.

    Without SESSION it is the one that ended last, a cancelled one only where none was settled.
    A session at a condominium that you visited is proven under that one's root certificate: give it
    with --root.
    """
    known, beside = [read_file(root) for root in roots], [read_file(other) for other in others]
    for path in () if force else (output, readings):
        refuse_overwriting(path)
    with unlocked(choose(name), address) as opened:
        chosen = session or last_ended(opened)
        target = output or Path(f"receipt-{chosen[:16]}.json")
        if not force:
            refuse_overwriting(target)
        file = opened.gateway.receipt(chosen)
        raw = None if readings is None else opened.gateway.batches(chosen)
    proven = _verify(file, known or [opened.wallet.home.root_certificate.encode()], beside)
    if proven.session.id != chosen:
        raise NotVerified(f"the gateway gave the receipt of another session, {proven.session.id}")
    checked = None if raw is None else _verify_readings(raw, proven)
    write_file(target, file)
    if readings is not None and raw is not None:
        write_file(readings, raw)
    _show(proven, as_json=as_json, file=target, readings=checked)


@receipt.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_readings_option
@_root_option
@_with_option
@json_option
def verify(
    *, file: Path, readings: Path | None, roots: tuple[Path, ...], others: tuple[Path, ...], as_json: bool
) -> None:
    """Verify the receipt in FILE offline.

    Needs nothing but the file and the condominium's root certificate: without --root one that a wallet here
    trusts. On a network of condominiums one file is one condominium's word that the session is on the ledger;
    a visitor gets another from the other gateway, for --with. Exit code 4 says that it is wrong.
    """
    content = read_file(file)
    if others and not roots:
        raise click.UsageError("--with another member's receipt needs --root for both members")
    beside = [read_file(other) for other in others]
    proven = (
        _verify(content, [read_file(root) for root in roots], beside) if roots else _verify_at_home(content)
    )
    checked = None if readings is None else _verify_readings(read_file(readings), proven)
    _show(proven, as_json=as_json, file=file, readings=checked)


def _verify_at_home(file: bytes) -> VerifiedReceipt:
    """Verified under the root certificate of one of the wallets here, whichever it is."""
    known = sorted({wallet.home.root_certificate for wallet in keystore().wallets()})
    if not known:
        raise Failure("there is no wallet here whose condominium could be trusted; add --root root.pem")
    for root in known[:-1]:
        with suppress(VerificationError):
            return verify_receipt(file, root.encode())
    return _verify(file, [known[-1].encode()])


def _verify(file: bytes, roots: list[bytes], others: Sequence[bytes] = ()) -> VerifiedReceipt:
    try:
        return verify_receipt(file, *roots, others=others)
    except VerificationError as error:
        raise NotVerified(f"the receipt is not to be believed: {error}") from error


def _verify_readings(raw: bytes, proven: VerifiedReceipt) -> VerifiedReadings:
    try:
        return verify_readings(raw, proven.session)
    except VerificationError as error:
        raise NotVerified(f"the readings are not to be believed: {error}") from error


def _show(
    proven: VerifiedReceipt, *, as_json: bool, file: Path, readings: VerifiedReadings | None = None
) -> None:
    session, condominium = proven.session, proven.condominium
    if as_json:
        print_json(
            {
                "verified": True,
                "file": str(file),
                "network": proven.network,
                "condominium": condominium.members(),
                "tariff": proven.tariff.members(),
                "session": session.members(),
                "block": proven.block,
                "witnesses": proven.witnesses,
                "readings": None if readings is None else len(readings.batches),
                "restarts": None if readings is None else readings.restarts,
            }
        )
        return
    settlement = session.settlement

    def money(amount: int) -> str:
        return format_amount(amount, session.decimals, condominium.currency)

    facts: list[tuple[str, object]] = [
        ("verified", file),
        ("session", session.id),
        ("wallet", session.wallet),
        ("condominium", f"{condominium.name} ({condominium.code}), unit {session.unit}"),
        ("state", session.state),
        ("opened", local_time(session.opened_at)),
        ("locked", money(session.amount)),
    ]
    if settlement is not None:
        facts += [
            ("ended", local_time(settlement.ended_at)),
            ("why", stopped_words(settlement.reason)),
            ("energy", format_energy(settlement.energy // 1_000)),
            ("metering", metering_words(session.metering)),
            ("tariff", proven.tariff.number),
            ("cost", money(settlement.cost)),
            ("refund", money(settlement.refund)),
        ]
    if readings is not None:
        facts.append(("readings", f"{len(readings.batches)}, the unit restarted {readings.restarts} times"))
    signed = f"the blocks, by {', '.join(proven.witnesses)}" if proven.witnesses else None
    print_facts([*facts, ("block", proven.block), ("signed", signed)])
