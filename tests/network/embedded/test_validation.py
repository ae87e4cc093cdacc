"""The ledger against a model of Fabric's concurrency control that has no cache, no window and no file."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from network.authority import Authority
from network.embedded import validation
from network.embedded.ledger import EmbeddedLedger
from network.identity import Identity
from network.ledger import MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT, VALID, CommitError
from tests.examples import examples
from tests.network.embedded.conftest import AURORA, Site

NAMES = ("p/a", "p/b", "p/c", "q")
Operation = tuple[str, str]
operations = st.tuples(st.sampled_from(["add", "put", "delete", "count", "first"]), st.sampled_from(NAMES))
batches = st.lists(st.lists(operations, min_size=1, max_size=8), min_size=1, max_size=6)


@dataclass
class Model:
    """Values with the number of the write that made them, and every key's past."""

    now: dict[str, tuple[int, str]] = field(default_factory=dict)
    past: dict[str, list[str | None]] = field(default_factory=dict)
    writes: int = 0

    def listed(self) -> list[tuple[str, tuple[int, str]]]:
        return sorted((name, value) for name, value in self.now.items() if name.startswith("p/"))

    def write(self, name: str, value: str | None) -> None:
        self.writes += 1
        self.past.setdefault(name, []).insert(0, value)
        if value is None:
            self.now.pop(name, None)
        else:
            self.now[name] = (self.writes, value)

    def run(self, batch: list[Operation]) -> list[str]:
        """Simulate all on the present state, then validate one after the other."""
        before = dict(self.now)
        listed = self.listed()
        return [self._validate(operation, before, listed) for operation in batch]

    def _validate(
        self,
        operation: Operation,
        before: dict[str, tuple[int, str]],
        listed: list[tuple[str, tuple[int, str]]],
    ) -> str:
        function, name = operation
        if function == "add":
            if self.now.get(name) != before.get(name):
                return MVCC_READ_CONFLICT
            self.write(name, str(int(before.get(name, (0, "0"))[1]) + 1))
        elif function == "put":
            self.write(name, "7")
        elif function == "delete":
            self.write(name, None)
        elif function == "count":
            if self.listed() != listed:
                return PHANTOM_READ_CONFLICT
            self.write("total", str(len(listed)))
        elif listed:
            if self.listed()[:1] != listed[:1]:
                return PHANTOM_READ_CONFLICT
            self.write("total", listed[0][1][1])
        elif self.now and self.listed():
            return PHANTOM_READ_CONFLICT
        return VALID


def call(operation: Operation) -> tuple[str, list[bytes]]:
    """The operation as a transaction of the register."""
    function, name = operation
    arguments = {
        "add": [name, "1"],
        "put": [name, "7"],
        "delete": [name],
        "count": ["p", "total"],
        "first": ["p", "total"],
    }[function]
    return "count_and_put" if function == "count" else function, [argument.encode() for argument in arguments]


async def run_batch(ledger: EmbeddedLedger, batch: list[Operation]) -> list[str]:
    """Submit together, so that all are simulated before any is committed; the codes."""
    outcomes = await asyncio.gather(
        *(ledger.submit(AURORA, *call(operation)) for operation in batch), return_exceptions=True
    )
    codes = []
    for outcome in outcomes:
        assert not isinstance(outcome, BaseException) or isinstance(outcome, CommitError), outcome
        codes.append(outcome.validation if isinstance(outcome, CommitError) else VALID)
    return codes


async def compare(site: Site, script: list[list[Operation]], max_block: int) -> None:
    """Codes after each batch, values and histories at the end, and the file whole."""
    model = Model()
    async with await site.open(max_block=max_block) as ledger:
        for batch in script:
            assert await run_batch(ledger, batch) == model.run(batch)
        names = [*NAMES, "total"]
        values = json.loads(await ledger.evaluate(AURORA, "get_many", [name.encode() for name in names]))
        assert values == [model.now[name][1] if name in model.now else None for name in names]
        for name in names:
            history = json.loads(await ledger.evaluate(AURORA, "history", [name.encode()]))
            assert [value for *_, value in history] == model.past.get(name, [])
    async with await site.open(checked=None):
        pass


@example(
    # The last one read `q` as deleted; it has come and gone once more by the time that its turn comes.
    script=[
        [("put", "q"), ("delete", "q")],
        [("put", "q"), ("delete", "q"), ("put", "p/a"), ("put", "p/b"), ("add", "q")],
    ],
    max_block=1,
    remembered=1,
)
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=batches, max_block=st.integers(1, 4), remembered=st.sampled_from([1, 3, 100]))
def test_it_validates_as_the_model_does(
    authorities: tuple[Authority, Authority],
    identities: tuple[Identity, Identity, Identity],
    script: list[list[Operation]],
    max_block: int,
    remembered: int,
) -> None:
    """In blocks of any size, and when what changed is no longer in memory."""
    with tempfile.TemporaryDirectory() as folder, patch.object(validation, "_REMEMBERED_KEYS", remembered):
        site = Site(Path(folder) / "ledger.db", *authorities, *identities)
        asyncio.run(compare(site, script, max_block))
