"""What users install is the wheel, so the wheel is what gets tested."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tools.web import WEB, licence_name, packages

ROOT = Path(__file__).parent.parent

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("distribution")]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a fresh environment that has the built wheel and this one's dependencies."""
    folder = tmp_path_factory.mktemp("distribution")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("condocharge-*.whl")
    environment = folder / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    (folder_of_packages,) = environment.glob("lib/python*/site-packages")
    (folder_of_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment / "bin"


def run(*command: str | Path) -> str:
    """The output of a command that must succeed, run away from the repository."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, env=environment, cwd="/"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_installed_command_prints_its_help(installed: Path) -> None:
    """`condocharge --help` works from the wheel alone, every registered subcommand included."""
    said = run(installed / "condocharge", "--help")
    assert "Shared electric-vehicle charging" in said
    assert "not installed" not in said


def test_the_wheel_carries_the_packages_and_their_data(installed: Path) -> None:
    """The packages come from the wheel, not the repository, with the data that they need."""
    script = "import client, demonstration; print(client.__path__[0], demonstration.__path__[0])"
    client, demonstration = map(Path, run(installed / "python", "-c", script).split())
    assert client.is_relative_to(installed.parent)
    assert (demonstration / "data" / "acn-caltech-2019-05-08.csv.gz").is_file()
    licences = {path.name for path in (client / "web" / "vendor" / "licences").iterdir()}
    assert licences == {licence_name(name) for name in packages(WEB / "package-lock.json")}
