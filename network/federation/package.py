"""What is installed on a peer: a package that names a namespace and the rules that serve it.

The rules themselves run beside the peer. Their digest is in the package, and so in the package's id: who
approves an id approves these rules and no others. A package is the same bytes whoever makes it.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

from network.federation.description import FederationError


@dataclass(frozen=True, slots=True)
class Rules:
    """The chaincode that a namespace runs."""

    version: str
    dispatch: str
    """Its entry, `module:function`."""

    def digest(self) -> str:
        """SHA-256 over the sources of the entry's package, names and contents, hexadecimal.

        Raises FederationError where the entry cannot be found.
        """
        module = self.dispatch.partition(":")[0]
        found = importlib.util.find_spec(module)
        if found is None or found.origin is None:
            raise FederationError(f"rules: {module} is not installed here")
        folder = Path(found.origin).parent
        content = hashlib.sha256()
        for source in sorted(folder.rglob("*.py")):
            name = source.relative_to(folder).as_posix()
            content.update(f"{name}\n{source.stat().st_size}\n".encode() + source.read_bytes())
        return content.hexdigest()


RULES = Rules(version="1", dispatch="chaincode.contract:dispatch")
"""The platform's own rules. The version rises when they change in a way that members must approve."""


@dataclass(frozen=True, slots=True)
class Package:
    """A chaincode package as peers install it."""

    namespace: str
    label: str
    content: bytes

    @property
    def id(self) -> str:
        """The id that every peer gives it."""
        return f"{self.label}:{hashlib.sha256(self.content).hexdigest()}"


def make_package(namespace: str, rules: Rules) -> Package:
    """The package with which `namespace` is served by `rules`."""
    label = f"{namespace}_{rules.version}"
    description = json.dumps(
        {"dispatch": rules.dispatch, "version": rules.version, "digest": rules.digest()}, sort_keys=True
    )
    code = _archive({"namespace": f"{namespace}\n".encode(), "rules.json": description.encode()})
    metadata = json.dumps({"path": "", "type": "service", "label": label}).encode()
    return Package(namespace, label, _archive({"metadata.json": metadata, "code.tar.gz": code}))


def _archive(files: dict[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)
