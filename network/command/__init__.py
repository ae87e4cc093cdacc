"""`condocharge network`: make, run and inspect the Fabric network that condominiums share."""

from __future__ import annotations

from network.command.federation import network

__all__ = ["network"]
