"""Write the test vectors: `python -m tests.vectors.write`. See README.md beside this file.

Keys and contents are fixed, and Ed25519 and BLAKE2b are deterministic, so the files come out the same
every time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from chaincode.signing import domain
from chaincode.signing import request as requests
from tests.vectors import checks, messages
from tests.vectors.messages import CHANNEL, CONDOMINIUM, Case, seed

HERE = Path(__file__).parent


def vectors() -> Iterator[tuple[str, list[Case]]]:
    """Each file's name, without `.json`, and its cases."""
    yield (
        "network_tag",
        [
            {
                "name": code,
                "channel": channel,
                "condominium": code,
                "tag": domain.network_tag(channel, code).hex(),
            }
            for channel, code in ((CHANNEL, CONDOMINIUM), (CHANNEL, "boreal"), ("other", CONDOMINIUM))
        ],
    )
    yield (
        "tag_hash",
        [
            {
                "name": f"a tag id of {len(tag_id)} bytes",
                "salt": seed("salt").hex(),
                "tag_id": tag_id.hex(),
                "hash": requests.tag_hash(seed("salt"), tag_id).hex(),
            }
            for tag_id in (bytes.fromhex("04a1b2c3"), bytes.fromhex("04a1b2c3d4e5f6"), bytes(range(10)))
        ],
    )
    yield "batch", list(messages.batch_cases())
    yield "attestation", list(messages.attestation_cases())
    yield "command", list(messages.command_cases())
    yield "configuration", list(messages.configuration_cases())
    yield "request", list(messages.request_cases())
    yield "firmware", list(messages.firmware_cases())
    yield "status", list(messages.status_cases())
    yield "offer", list(messages.offer_cases())
    yield "batch_check", list(checks.batch_checks())
    yield "request_check", list(checks.request_checks())
    yield "command_check", list(checks.command_checks())
    yield "configuration_check", list(checks.configuration_checks())
    yield "firmware_check", list(checks.firmware_checks())
    yield "offer_check", list(checks.offer_checks())


def text(name: str, cases: list[Case]) -> str:
    """The file of one format: a case a line, so that a change shows as the lines that changed."""
    lines = ",\n".join(json.dumps(case) for case in cases)
    return f'{{"format": "{name}", "cases": [\n{lines}\n]}}\n'


def main() -> None:
    """Write every file anew."""
    for name, cases in vectors():
        (HERE / f"{name}.json").write_text(text(name, cases))


if __name__ == "__main__":
    main()
