"""One figure of a benchmark, held against a reference that was measured in the same run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A figure and what it is compared with."""

    id: str
    """Which number this is, such as P2."""
    what: str
    value: float
    unit: str
    reference: str
    """What the reference is; empty where the figure stands alone."""
    reference_value: float | None = None
    target: str = ""
    """What was aimed for, as people write it: "ratio at least 0.15"."""

    @property
    def ratio(self) -> float | None:
        """Value over reference value."""
        return self.value / self.reference_value if self.reference_value else None

    def members(self) -> dict[str, Any]:
        """As it stands in results.json."""
        return asdict(self) | {"ratio": self.ratio}


def latency(what: str, milliseconds: float, limit: float) -> Result:
    """P6: how long something took, whose 99th percentile should stay below `limit` milliseconds."""
    return Result(
        id="P6",
        what=what,
        value=milliseconds,
        unit="ms",
        reference="limit",
        reference_value=limit,
        target=f"p99 below {limit:,.0f} ms",
    )
