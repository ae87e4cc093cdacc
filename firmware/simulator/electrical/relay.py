"""The switch: an SRD-05VDC-SL-C relay (paper, Table 1), whose contacts can weld."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Relay:
    """A coil and a pair of contacts."""

    energised: bool = False
    welded: bool = False
    operations: int = 0
    """How often the contacts have closed; the data sheet promises 100,000 under load."""
    welds_at: int | None = None
    """The closing under load after which the contacts stay together; None for never."""

    @property
    def closed(self) -> bool:
        """Whether the contacts conduct."""
        return self.energised or self.welded

    def set(self, energised: bool, load: float = 0.0) -> None:
        """Energise the coil or let it go, with `load` A ready to flow through the contacts."""
        if energised and not self.energised:
            self.operations += 1
            if load > 0 and self.welds_at is not None and self.operations >= self.welds_at:
                self.welded = True
        self.energised = energised
