"""`condocharge unit`: give a board its identity, and calibrate its sensor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import httpx

from firmware.provisioning.calibration import Reading, corrected_gain
from firmware.provisioning.firmware import update_area
from firmware.provisioning.image import (
    BOARDS,
    FROM_SWITCHES,
    SENSORS,
    Board,
    Identity,
    decode,
    ethernet_address,
    intel_hex,
    network_tag,
    nominal,
    padded,
)
from firmware.provisioning.keyfile import public_half
from firmware.provisioning.signing import make_firmware_key, sign_firmware
from firmware.provisioning.wifi import Wifi

_TIMEOUT = 30.0


@click.group()
def unit() -> None:
    """Prepare boards for the sockets of a condominium."""


unit.add_command(make_firmware_key)
unit.add_command(sign_firmware)


@unit.command()
@click.option("--gateway", required=True, help="The gateway's address, such as http://192.168.1.10:8080.")
@click.option(
    "--token",
    envvar="CONDOCHARGE_TOKEN",
    required=True,
    help="An administrator's token, for the salt of tags and to enrol a unit of class mac.",
)
@click.option(
    "--unit", "number", required=True, type=click.IntRange(0, FROM_SWITCHES - 1), help="The unit's number."
)
@click.option("--board", required=True, type=click.Choice(sorted(BOARDS)))
@click.option(
    "--class", "unit_class", type=click.Choice(["mac", "ed25519"]), help="The board's own by default."
)
@click.option("--sensor", default="sct013", show_default=True, type=click.Choice(sorted(SENSORS)))
@click.option("--group", required=True, help="The group whose supply feeds the socket.")
@click.option("--current", default=16_000, show_default=True, help="Nominal current in mA.")
@click.option("--voltage", default=2_300, show_default=True, help="Nominal voltage in 0.1 V.")
@click.option(
    "--from-switches", is_flag=True, help="Let the board read its number from its address switches."
)
@click.option("--wifi", help="For a wireless board: its network's name.")
@click.option(
    "--wifi-passphrase",
    envvar="CONDOCHARGE_WIFI_PASSPHRASE",
    help="The network's passphrase; asked for where it is absent.",
)
@click.option(
    "--firmware-key",
    type=click.Path(exists=True, path_type=Path, dir_okay=False),
    help="For a board that takes images: the file of the condominium's firmware key.",
)
@click.option("--output", required=True, type=click.Path(path_type=Path, dir_okay=False))
def provision(
    *,
    gateway: str,
    token: str,
    number: int,
    board: str,
    unit_class: str | None,
    sensor: str,
    group: str,
    current: int,
    voltage: int,
    from_switches: bool,
    wifi: str | None,
    wifi_passphrase: str | None,
    firmware_key: Path | None,
    output: Path,
) -> None:
    """Write a board's identity to OUTPUT: Intel HEX where it ends in .hex, else the whole memory.

    A unit of class mac is enrolled at once: the gateway makes the key, keeps it in its secret store and
    tells it once; it goes into OUTPUT and nowhere else. A board of class ed25519 makes its own key at its
    first start and shows the public half, which is then enrolled."""
    part = BOARDS[board]
    kind = unit_class or part.classes[0]
    if kind not in part.classes:
        raise click.BadParameter(f"a board {board} can be {' or '.join(part.classes)}", param_hint="--class")
    if SENSORS[sensor].supply > part.reference:
        rule = f"gives up to {SENSORS[sensor].supply} V, this board bears {part.reference} V"
        raise click.BadParameter(f"{sensor} {rule}", param_hint="--sensor")
    if output.exists():
        raise click.BadParameter(f"{output} exists; an identity is not overwritten", param_hint="--output")
    tail = _wireless(part, wifi, wifi_passphrase)
    area = _update_area(part, firmware_key, output)
    with httpx.Client(base_url=gateway, timeout=_TIMEOUT) as client:
        client.headers["authorization"] = f"Bearer {token}"
        condominium = _answer(client.get("/v1/condominium"))
        salt = bytes.fromhex(_answer(client.get("/v1/tag-salt"))["salt"])
        key = b""
        if kind == "mac":
            key = _enrol(client, number=number, group=group, current=current, voltage=voltage)
    identity = _identity(
        part,
        kind,
        number=number,
        from_switches=from_switches,
        key=key,
        condominium=condominium,
        sensor=sensor,
        salt=salt,
        gateway=gateway,
    )
    _write(output, identity, part, tail, area)
    _tell(output, part, kind, number=number, group=group, current=current, voltage=voltage)


def _wireless(part: Board, name: str | None, passphrase: str | None) -> bytes:
    """The end of a wireless board's memory; nothing for others."""
    if not part.wireless:
        if name is not None:
            raise click.BadParameter("this board has a cable", param_hint="--wifi")
        return b""
    if name is None:
        raise click.BadParameter("this board is wireless: name its network", param_hint="--wifi")
    if passphrase is None:
        passphrase = click.prompt(f"Passphrase of {name}", hide_input=True, default="", show_default=False)
    try:
        return Wifi(name, passphrase).encode()
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _update_area(part: Board, firmware_key: Path | None, output: Path) -> bytes:
    """What lies behind the memory of a board that takes images; nothing without a key."""
    if firmware_key is None:
        return b""
    if not part.updates:
        raise click.BadParameter("this board is updated by cable", param_hint="--firmware-key")
    if output.suffix == ".hex":
        raise click.BadParameter("is the whole memory for a board that takes images", param_hint="--output")
    try:
        return update_area(public_half(firmware_key))
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _enrol(client: httpx.Client, *, number: int, group: str, current: int, voltage: int) -> bytes:
    body = {
        "unit": number, "class": "mac", "nominal_current": current, "nominal_voltage": voltage, "phases": 1,
        "settings": {"name": f"Unit {number}", "group": group},
    }  # fmt: skip
    record = _answer(client.post("/v1/units", json=body))
    return bytes.fromhex(record["mac_key"])


def _identity(
    part: Board,
    kind: str,
    *,
    number: int,
    from_switches: bool,
    key: bytes,
    condominium: dict[str, Any],
    sensor: str,
    salt: bytes,
    gateway: str,
) -> Identity:
    address = urlsplit(gateway)
    if address.scheme != "http" or not address.hostname:
        raise click.BadParameter("units speak plain HTTP: begins with http://", param_hint="--gateway")
    network = network_tag(condominium["network"], condominium["code"])
    gain, noise = nominal(SENSORS[sensor], part.bits, part.reference)
    return Identity(
        unit_class=kind,
        unit=FROM_SWITCHES if from_switches else number,
        network=network,
        key=key,
        signing_key=b"" if kind == "mac" else bytes.fromhex(condominium["signing_key"]),
        salt=salt,
        sensor=SENSORS[sensor].number,
        gain=gain,
        noise=noise,
        starting=SENSORS[sensor].starting,
        ethernet=ethernet_address(number, network),
        port=address.port or 80,
        server=address.hostname,
    )


def _write(output: Path, identity: Identity, part: Board, tail: bytes, area: bytes) -> None:
    try:
        image = identity.encode()
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    # A MAC key is in it: nobody but its owner reads it.
    output.touch(mode=0o600)
    if output.suffix == ".hex":
        output.write_text(intel_hex(image, part.storage, tail))
    else:
        output.write_bytes(padded(image, part.storage, tail) + area)


def _tell(
    output: Path, part: Board, kind: str, *, number: int, group: str, current: int, voltage: int
) -> None:
    click.echo(f"{output}: identity of unit {number}, class {kind}")
    if part.fuses:
        fuses = " ".join(f"-U {name}:w:0x{value:02X}:m" for name, value in part.fuses)
        form = "i" if output.suffix == ".hex" else "r"
        click.echo(
            "Write it, and the fuses that reset the part before its supply is too low, with a programmer:"
        )
        click.echo(f"  avrdude -p m328p -c usbasp -D -U eeprom:w:{output}:{form} {fuses}")
    if kind == "mac":
        click.echo("The unit is enrolled. Write the file to the board, then delete it: it holds the key.")
        return
    click.echo("Write the file to the board and start it. Enrol the key that its console shows:")
    click.echo(
        f'  POST /v1/units {{"unit": {number}, "class": "ed25519", "key": "<64 hexadecimal digits>", '
        f'"nominal_current": {current}, "nominal_voltage": {voltage}, "phases": 1, '
        f'"settings": {{"name": "Unit {number}", "group": "{group}"}}}}'
    )


@unit.command()
@click.argument("image", type=click.Path(exists=True, path_type=Path, dir_okay=False))
@click.option(
    "--loads", default=2, show_default=True, type=click.IntRange(1, 10), help="How many loads to measure."
)
@click.option("--output", required=True, type=click.Path(path_type=Path, dir_okay=False))
def calibrate(image: Path, loads: int, output: Path) -> None:
    """Correct the gain in IMAGE, a board's memory, by loads whose current a trusted meter shows."""
    content = image.read_bytes()
    try:
        identity = decode(content)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo("Use resistive loads such as heaters, one conductor through the clamp, a meter you trust.")
    readings = []
    for load in range(1, loads + 1):
        click.echo(f"Load {load} of {loads}: switch it on, wait a minute for the unit's samples.")
        true = click.prompt("  current that the meter shows, A", type=float)
        shown = click.prompt("  current that the unit's samples show, A", type=float)
        readings.append(Reading(true, shown))
    try:
        gain = corrected_gain(identity.gain, readings)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    made = replace(identity, gain=gain).encode()
    output.touch(mode=0o600)
    output.write_bytes(made + content[len(made) :])
    click.echo(f"{output}: gain {identity.gain / 256:.2f} -> {gain / 256:.2f} mA per count")


def _answer(response: httpx.Response) -> Any:
    """What a request is answered. Raises ClickException with the gateway's own sentence."""
    if response.is_success:
        return response.json()
    try:
        problem = response.json()
        sentence = problem.get("detail") or problem.get("title") or response.reason_phrase
    except ValueError:
        sentence = response.reason_phrase
    raise click.ClickException(f"{response.request.url}: {response.status_code} {sentence}")
