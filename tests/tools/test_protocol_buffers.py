"""The generated code in the repository is what the protocol's files give."""

from __future__ import annotations

from pathlib import Path

from tools.protocol_buffers import ROOT, generate, sources

SUFFIXES = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi")


def test_generated_code_is_up_to_date(tmp_path: Path) -> None:
    """Generating anew gives the very files, and leaves none over; `make proto` mends it."""
    generate(tmp_path)
    fresh = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*_pb2*")}
    folder = ROOT / "gateway" / "proto"
    found = [path for suffix in SUFFIXES for path in folder.rglob(f"*{suffix}")]
    present = {path.relative_to(ROOT): path.read_bytes() for path in found}
    assert len(fresh) == len(SUFFIXES) * len(sources())
    assert present == fresh
