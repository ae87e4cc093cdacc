"""What the wallet's service worker shows when a push message comes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tools.web import WEB, node

MESSAGE = {"kind": "charged", "name": "ended", "session": "ab" * 32, "unit": 7, "values": {"cost": 250}}
WORDS = {
    "language": "en-GB",
    "token": {"name": "Riverside 12", "currency": "EVT", "decimals": 2},
    "sentences": {"ended": "Socket {unit} has ended: {cost}."},
}


def _shown(message: dict[str, Any], words: dict[str, Any] | None) -> dict[str, Any]:
    """The one notification that a message leads to, with the words that the page has kept."""
    given = json.dumps({"worker": str(WEB / "wallet" / "worker.js"), "words": words, "message": message})
    command = [str(node()), str(Path(__file__).with_name("push.mjs"))]
    answer = subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout
    (notification,) = json.loads(answer)
    assert isinstance(notification, dict)
    return notification


def test_a_push_is_told_in_the_words_that_the_page_kept() -> None:
    """Title and sentence are the condominium's and the reader's."""
    shown = _shown(MESSAGE, WORDS)
    assert (shown["title"], shown["body"]) == ("Riverside 12", "Socket 7 has ended: 2.50 EVT.")
    assert (shown["lang"], shown["data"]) == ("en-GB", f"/#/session/{'ab' * 32}")


def test_a_push_without_kept_words_is_told_all_the_same() -> None:
    """A browser that threw its caches away shows one plain sentence, which opens the session."""
    shown = _shown(MESSAGE, None)
    assert (shown["title"], shown["lang"]) == ("Condocharge", "en")
    assert "Open the wallet" in shown["body"]
    assert (shown["data"], shown["tag"]) == (f"/#/session/{'ab' * 32}", f"{'ab' * 32}-ended")


def test_a_push_of_a_kind_that_the_words_lack_is_told_all_the_same() -> None:
    """A newer gateway may tell what an older page has no sentence for."""
    shown = _shown(MESSAGE | {"kind": "new", "name": "newer"}, WORDS)
    assert shown["title"] == "Riverside 12"
    assert "Open the wallet" in shown["body"]
