"""What REST offers is written down."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.rest.application import document
from tests.gateway.house import House

DOCS = Path(__file__).parents[3] / "docs"
_OFFERED = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/[a-z0-9/{}.-]+)")
_PARAMETER = re.compile(r"\{[a-z]+\}")
_OF_ITSELF = {("GET", "/openapi.json"), ("GET", "/docs")}
"""The machine's own documents."""


def test_every_operation_stands_in_the_documents(gateway_house: House) -> None:
    """Method and path, written in full, in docs/rest.md or docs/protocol.md; and neither promises others."""
    written = {
        (method, _PARAMETER.sub("{}", path.rstrip(".")))
        for name in ("rest.md", "protocol.md")
        for method, path in _OFFERED.findall((DOCS / name).read_text())
    }
    offered = {
        (method.upper(), _PARAMETER.sub("{}", path))
        for path, methods in document(gateway_house.gateway.app)["paths"].items()
        for method in methods
    }
    assert sorted(offered - _OF_ITSELF - written) == []
    assert sorted(written - offered) == []
