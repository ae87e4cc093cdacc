"""Makes the repository's virtual environment, `.venv`, from the lock file.

Run by `make setup` with whatever Python the machine has, so nothing but the standard library is used and
the version is checked before anything newer than Python 3.7 is asked for. Each step leaves a stamp in
`.venv`; a second run finds it and ends at once.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements" / "development.txt"
PROJECT = ROOT / "pyproject.toml"
OLDEST = (3, 11)


def main() -> int:
    """Bring `.venv` up to date; 0 when it is, 1 after a sentence that says what to do."""
    version = sys.version_info[:2]
    if version < OLDEST:
        return _refuse(
            f"Condocharge needs Python 3.11 or newer; {sys.executable} is {version[0]}.{version[1]}. "
            "Install a newer one and run: make setup PYTHON=python3.11"
        )
    started = time.monotonic()
    python = VENV / "bin" / "python"
    if not _matches(python, version) and not _create(python):
        return 1
    steps = (
        ("packages", _digest(LOCK, extra=str(version)), _install_lock),
        ("project", _digest(PROJECT, extra=str(ROOT)), _install_project),
    )
    changed = False
    for name, digest, install in steps:
        stamp = VENV / f".{name}.stamp"
        if stamp.exists() and stamp.read_text() == digest:
            continue
        if not install(python):
            return 1
        stamp.write_text(digest)
        changed = True
    if changed:
        sys.stdout.write(f"setup: .venv is ready ({time.monotonic() - started:.0f} s)\n")
    return 0


def _matches(python: Path, version: tuple[int, ...]) -> bool:
    """Whether `.venv` exists, runs and is of the Python that runs this."""
    if not python.exists():
        return False
    asked = [str(python), "-c", "import sys, pip; print(*sys.version_info[:2])"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.returncode == 0 and tuple(map(int, answer.stdout.split())) == version


def _create(python: Path) -> bool:
    try:
        import ensurepip  # noqa: F401, PLC0415 - Debian ships Python without it
    except ImportError:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        _refuse(
            f"this Python has no ensurepip, so it cannot make a virtual environment. On Debian and Ubuntu: "
            f"apt-get install python{version}-venv, then make setup again."
        )
        return False
    sys.stdout.write("setup: making .venv\n")
    sys.stdout.flush()
    shutil.rmtree(VENV, ignore_errors=True)
    if (
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode
        or not python.exists()
    ):
        _refuse(
            "the virtual environment could not be made; free some disk space or check the folder's rights."
        )
        return False
    return True


def _install_lock(python: Path) -> bool:
    count = sum(1 for line in LOCK.read_text().splitlines() if line[:1].isalnum())
    place = LOCK.relative_to(ROOT)
    sys.stdout.write(f"setup: installing the {count} packages of {place}, which takes some minutes\n")
    sys.stdout.flush()
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        # Whoever typed `make run` looks for its last lines, and not among a thousand of these.
        "--quiet",
        "--require-hashes",
        "--no-deps",
        "--requirement",
        str(LOCK),
    ]
    if subprocess.run([*command, "--disable-pip-version-check"], check=False).returncode:
        _refuse(
            "pip could not install the locked packages, and says why above. If it was the network, run "
            "make setup again; if a hash differs, your package index serves another file than the one locked."
        )
        return False
    return True


def _install_project(python: Path) -> bool:
    sys.stdout.write("setup: installing condocharge itself, editable\n")
    sys.stdout.flush()
    command = [*_pip_install(python), "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    if subprocess.run(command, check=False).returncode:
        _refuse("pip could not install the project itself; pyproject.toml is the place to look.")
        return False
    return True


def _pip_install(python: Path) -> list[str]:
    return [str(python), "-m", "pip", "install", "--disable-pip-version-check"]


def _digest(path: Path, *, extra: str) -> str:
    return hashlib.sha256(path.read_bytes() + extra.encode()).hexdigest()


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"setup: {sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
