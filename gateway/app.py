"""The one composition root: everything the gateway is made of is put together here, and nowhere else."""

from __future__ import annotations

import gateway.metering.records  # noqa: F401 - declares its tables
