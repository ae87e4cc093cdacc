"""`condocharge unit make-firmware-key` and `sign-firmware`: the condominium's firmware key, and images."""

from __future__ import annotations

from pathlib import Path

import click

from firmware.provisioning import keyfile
from firmware.provisioning.firmware import read_image

_PASSPHRASE = click.option(
    "--passphrase",
    envvar="CONDOCHARGE_FIRMWARE_PASSPHRASE",
    help="The key's passphrase; asked for where it is absent.",
)


@click.command("make-firmware-key")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_PASSPHRASE
def make_firmware_key(file: Path, passphrase: str | None) -> None:
    """Make the condominium's firmware key in FILE.

    Whoever has it, and its passphrase, can make every unit do anything: keep it away from the gateway."""
    if passphrase is None:
        passphrase = click.prompt("Passphrase of the new key", hide_input=True, confirmation_prompt=True)
    try:
        public = keyfile.make(file, passphrase)
    except FileExistsError:
        raise click.BadParameter(f"{file} exists; a key is not overwritten", param_hint="FILE") from None
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{file}: the firmware key. Tell the gateway's settings its public half:")
    click.echo(f'  [units]\n  firmware_key = "{public.hex()}"')
    click.echo("and provision units with `--firmware-key` and this file. Keep a copy where it cannot burn.")


@click.command("sign-firmware")
@click.argument("image", type=click.Path(exists=True, path_type=Path, dir_okay=False))
@click.option(
    "--key", required=True, type=click.Path(exists=True, path_type=Path, dir_okay=False), help="Its file."
)
@_PASSPHRASE
@click.option("--output", required=True, type=click.Path(path_type=Path, dir_okay=False))
def sign_firmware(image: Path, key: Path, passphrase: str | None, output: Path) -> None:
    """Sign IMAGE, a program that `make firmware` built, for upload to the gateway or a unit's first slot.

    Board and version are the image's own."""
    if output.exists():
        raise click.BadParameter(f"{output} exists; it is not overwritten", param_hint="--output")
    if passphrase is None:
        passphrase = click.prompt(f"Passphrase of {key}", hide_input=True)
    try:
        made = read_image(image.read_bytes())
        output.write_bytes(made.signed(keyfile.open_seed(key, passphrase)))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{output}: firmware {made.version_text} for {made.board}, signed")
