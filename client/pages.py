"""Where the browser's pages are installed: `wallet/`, `console/` and what they share."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "web"
"""Named in the entry-point group `condocharge.pages`, so that a gateway finds it without importing it."""
