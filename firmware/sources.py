"""Brings the firmware's third-party C sources from their registries to a directory outside git.

Monocypher 4.0.2 (BSD-2-Clause or CC0) is the C source inside the crate monocypher-sys, which cargo fetches
as `third_party/Cargo.lock` pins it. lwIP 2.1.3 (BSD-3-Clause) is the upstream tarball of Debian's source
package. Every file is checked against the sums below before it is used.

Run as `python -m firmware.sources monocypher lwip DIRECTORY`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

_PINS = Path(__file__).parent / "third_party"
MONOCYPHER = {
    "monocypher.c": "02174117935699d418443c75a558a287deb06ef8cf7c1adced61d9047d2f323d",
    "monocypher.h": "fcaf6ed771358bb4f40fba016f6518ae86ec02b1b877d2cc35ad92d3a26fd7b3",
    "optional/monocypher-ed25519.c": "97d581639dfa72be08a6d57deb7d79b736be001cb416819cab196d22559d242b",
    "optional/monocypher-ed25519.h": "3a3035181f991a158d0e1c7567258f0bae8ba0f1f23c5512b4a1db1b3c9730ce",
}
"""SHA-256 of the files used of Monocypher's `src`."""
LWIP_VERSION = "2.1.3"
LWIP_TARBALL = "0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24"
"""SHA-256 of the upstream tarball in Debian's source package `lwip`."""


class SourceError(Exception):
    """A source can't be had, or is not the one that is pinned."""


def _check(path: Path, expected: str) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise SourceError(f"{path.name}: its SHA-256 is {found}, not {expected}")


def _run(command: list[str]) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError as error:
        raise SourceError(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise SourceError(f"{' '.join(command)}: {error.stderr.strip()}") from error


def fetch_monocypher(directory: Path) -> Path:
    """Put Monocypher's pinned files into `directory`/monocypher and return that. Raises SourceError."""
    target = directory / "monocypher"
    manifest = str(_PINS / "Cargo.toml")
    _run(["cargo", "fetch", "--locked", "--manifest-path", manifest, "--target", "x86_64-unknown-linux-gnu"])
    metadata = json.loads(
        _run(
            ["cargo", "metadata", "--locked", "--offline", "--format-version", "1",
             "--filter-platform", "x86_64-unknown-linux-gnu", "--manifest-path", manifest]
        )
    )  # fmt: skip
    crate = next(
        Path(package["manifest_path"]).parent
        for package in metadata["packages"]
        if package["name"] == "monocypher-sys"
    )
    for name, expected in MONOCYPHER.items():
        _check(crate / "Monocypher" / "src" / name, expected)
    target.mkdir(parents=True, exist_ok=True)
    for name in MONOCYPHER:
        shutil.copyfile(crate / "Monocypher" / "src" / name, target / Path(name).name)
    return target


def _source_lists(directory: Path) -> Path:
    """The machine's package sources with their source packages, for an apt that has none configured."""
    parts = directory / "sources.list.d"
    parts.mkdir(parents=True, exist_ok=True)
    root = Path("/etc/apt")
    for path in [root / "sources.list", *sorted((root / "sources.list.d").glob("*.list"))]:
        if path.is_file():
            text = re.sub(r"(?m)^deb ", "deb-src ", path.read_text())
            (parts / path.name).write_text(text)
    for path in sorted((root / "sources.list.d").glob("*.sources")):
        (parts / path.name).write_text(re.sub(r"(?m)^Types:.*$", "Types: deb-src", path.read_text()))
    return parts


def fetch_lwip(directory: Path) -> Path:
    """Unpack the pinned lwIP to `directory`/lwip and return that. Raises SourceError."""
    target = directory / "lwip"
    work = directory / "apt"
    lists = work / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    options = ["-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::Etc::SourceParts={_source_lists(work)}",
               "-o", f"Dir::State::Lists={lists}", "-o", "APT::Sandbox::User=",
               "-o", "Debug::NoLocking=true"]  # fmt: skip
    tarball = work / f"lwip_{LWIP_VERSION}+dfsg1.orig.tar.xz"
    _run(["apt-get", *options, "-q", "update"])
    for line in _run(["apt-get", *options, "-q", "source", "--print-uris", "lwip"]).splitlines():
        if match := re.search(r" (lwip_\S+\.orig\.tar\.\w+) ", line):
            tarball = work / match.group(1)
    subprocess.run(
        ["apt-get", *options, "-q", "source", "--download-only", "lwip"],
        check=True, cwd=work, capture_output=True,
    )  # fmt: skip
    _check(tarball, LWIP_TARBALL)
    shutil.rmtree(target, ignore_errors=True)
    unpacked = work / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(tarball) as archive:
        archive.extractall(unpacked, filter="data")
    next(unpacked.iterdir()).rename(target)
    return target


def main() -> int:
    """Fetch what the arguments name; the last one is the directory."""
    *names, last = sys.argv[1:]
    directory = Path(last).resolve()
    fetchers = {"monocypher": fetch_monocypher, "lwip": fetch_lwip}
    try:
        for name in names:
            print(f"  SOURCE {name}: {fetchers[name](directory)}")
    except SourceError as error:
        print(f"firmware sources: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
