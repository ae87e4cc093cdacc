"""Calling the console's own modules in Node.js."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tools.web import node

CONSOLE = Path(__file__).resolve().parents[4] / "client" / "web" / "console"


def compute(module: str, *calls: tuple[str, list[Any]]) -> list[Any]:
    """What a module of the console answers to each call."""
    text = "".join(json.dumps({"call": name, "arguments": given}) + "\n" for name, given in calls)
    command = [str(node()), str(Path(__file__).with_name("compute.mjs")), str(CONSOLE / module)]
    answer = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in answer.splitlines()]
