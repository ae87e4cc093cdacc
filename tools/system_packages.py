"""What tests need from the operating system, by purpose, and how to get it on Debian and Ubuntu.

Each group is also a pytest marker: `tests/conftest.py` asks `Group.missing` whether its tests can run here.
As a command (`python -m tools.system_packages`, run by `make test`) it installs what is missing for the
groups that the tests in the tree use, through apt-get, where this user is root or may use sudo without a
password. Elsewhere it says what to install by hand, and those tests are skipped by name.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Group:
    """What one kind of test needs beyond Python.

    `programs` are alternatives within each tuple; `files` are absolute paths, of headers mostly.
    """

    name: str
    purpose: str
    packages: tuple[str, ...]
    programs: tuple[tuple[str, ...], ...]
    files: tuple[str, ...] = ()
    advice: str = ""
    """What to do where no Debian package helps."""

    def missing(self) -> list[str]:
        """The programs and files of this group that the machine lacks, as a person would name them."""
        lacking = [
            " or ".join(names) for names in self.programs if not any(find_program(name) for name in names)
        ]
        return lacking + [file for file in self.files if not Path(file).exists()]

    def remedy(self) -> str:
        """What to do about it, as a command or a sentence."""
        if self.packages:
            return f"apt-get install --no-install-recommends {' '.join(self.packages)}"
        return self.advice


GROUPS: dict[str, Group] = {
    group.name: group
    for group in (
        Group(
            name="postgresql",
            purpose="the gateway's projections on a real PostgreSQL server",
            packages=("postgresql",),
            programs=(("initdb",), ("postgres",)),
        ),
        Group(
            name="firmware",
            purpose="the unit's firmware, cross-compiled, in simulators of its microcontrollers",
            packages=(
                "avr-libc",
                "clang",
                "gcc",
                "gcc-arm-none-eabi",
                "gcc-avr",
                "libc6-dev",
                "libclang-rt-dev",
                "libelf-dev",
                "libnewlib-arm-none-eabi",
                "libsimavr-dev",
                "qemu-system-arm",
            ),
            programs=(("gcc",), ("clang",), ("avr-gcc",), ("arm-none-eabi-gcc",), ("qemu-system-arm",)),
            files=("/usr/include/simavr/sim_avr.h", "/usr/include/libelf.h"),
        ),
        Group(
            name="browser",
            purpose="the phone wallet and the console in a real browser",
            packages=("chromium",),
            programs=(("chromium", "chromium-browser", "google-chrome"),),
        ),
        Group(
            name="pkcs11",
            purpose="identities whose key is in a hardware token",
            packages=("softhsm2",),
            programs=(("softhsm2-util",),),
        ),
    )
}


def find_program(name: str) -> Path | None:
    """Where `name` is: on the PATH, in Debian's PostgreSQL folders (newest first), or in `build/`."""
    on_path = shutil.which(name)
    if on_path:
        return Path(on_path)
    postgresql = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    for folder in (*postgresql, ROOT / "build" / "fabric" / "bin"):
        if os.access(folder / name, os.X_OK):
            return folder / name
    return None


def used_groups(tests: Path) -> list[Group]:
    """The groups whose marker stands in a test file under `tests`."""
    marks: set[str] = set()
    for file in tests.rglob("test_*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
        marks.update(node.attr for node in ast.walk(tree) if _is_marker(node))
    return [group for name, group in GROUPS.items() if name in marks]


def install(groups: list[Group]) -> int:
    """Install what `groups` lack; 0 when nothing is lacking afterwards or nothing can be done here."""
    lacking = [group for group in groups if group.missing() and group.packages]
    if not lacking:
        return 0
    privilege = _privilege()
    for group in lacking:
        if privilege is None:
            sys.stderr.write(
                f"{group.name}: {', '.join(group.missing())} not found, and this user may not install "
                f"packages. Its tests are skipped until you run: {group.remedy()}\n"
            )
    if privilege is None:
        return 0
    packages = sorted({package for group in lacking for package in group.packages})
    sys.stdout.write(f"installing for {', '.join(group.name for group in lacking)}: {' '.join(packages)}\n")
    sys.stdout.flush()
    quiet = [*privilege, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        if subprocess.run([*quiet, *command], check=False).returncode:
            sys.stderr.write(
                "apt-get failed, and says why above. Mend that, or install the packages by hand.\n"
            )
            return 1
    return 0


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module's own text."""
    parser = argparse.ArgumentParser(description="Install what tests need from the operating system.")
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; default: those that tests use")
    chosen = parser.parse_args(arguments).groups
    unknown = [name for name in chosen if name not in GROUPS]
    if unknown:
        parser.error(f"no group is called {unknown[0]!r}; there are {', '.join(GROUPS)}")
    return install([GROUPS[name] for name in chosen] if chosen else used_groups(ROOT / "tests"))


def _is_marker(node: ast.AST) -> TypeGuard[ast.Attribute]:
    """Whether `node` is `pytest.mark.NAME`, in code rather than in a string."""
    if not isinstance(node, ast.Attribute):
        return False
    return isinstance(node.value, ast.Attribute) and node.value.attr == "mark"


def _privilege() -> list[str] | None:
    """The words before a command that make it root's; None where there is no way to that."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def _version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0


if __name__ == "__main__":
    sys.exit(main())
