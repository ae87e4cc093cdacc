"""Generates the Python of `gateway/proto/**/*.proto`: messages, services and type stubs for both.

`python -m tools.protocol_buffers [DIRECTORY]` writes beside the sources, or into another directory, as the
test does that compares.
"""

from __future__ import annotations

import sys
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent


def sources() -> list[Path]:
    """The protocol's files, relative to the repository, in a fixed order."""
    return sorted(path.relative_to(ROOT) for path in (ROOT / "gateway" / "proto").rglob("*.proto"))


def generate(into: Path = ROOT) -> None:
    """Write the generated modules below `into`. Raises RuntimeError where the compiler refuses."""
    programs = Path(sys.executable).parent
    arguments = [
        "protoc",
        f"--proto_path={ROOT}",
        f"--plugin={programs / 'protoc-gen-mypy'}",
        f"--plugin={programs / 'protoc-gen-mypy_grpc'}",
        f"--python_out={into}",
        f"--mypy_out=quiet:{into}",
        f"--grpc_python_out={into}",
        f"--mypy_grpc_out=quiet:{into}",
        *(str(path) for path in sources()),
    ]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc refuses the protocol's files, and says why above")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
