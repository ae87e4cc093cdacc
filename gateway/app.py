"""The one composition root: everything the gateway is made of is put together here, and nowhere else."""

from __future__ import annotations

import gateway.charging.records
import gateway.metering.records
import gateway.monitor.records  # noqa: F401 - each declares its tables
