"""The demonstration condominium in a process of its own, and a phone-sized Chromium to look at it with."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.gateway.notification.push_service import PushService

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "test-output" / "screenshots"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = ROOT / "client" / "web" / "node_modules" / "axe-core" / "axe.min.js"


@dataclass(frozen=True, slots=True)
class Building:
    """Where the demonstration is, and how to log in at its console."""

    wallet: str
    console: str
    username: str
    password: str
    process: int
    """Its process id: a test may hold it up for a moment."""


@pytest.fixture(scope="session")
def push_service() -> Iterator[PushService]:
    """In the place of the browser vendor's push service, which no test can reach."""
    with PushService() as service:
        yield service


@pytest.fixture(scope="session")
def building(tmp_path_factory: pytest.TempPathFactory, push_service: PushService) -> Iterator[Building]:
    """A running demonstration, stopped cleanly at the end."""
    folder = tmp_path_factory.mktemp("building")
    command = [sys.executable, "-m", "demonstration.building", "--port", "0", "--folder", str(folder)]
    command += ["--push-origin", push_service.origin]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = ""
        while "Ctrl-C" not in text:
            line = process.stdout.readline()
            assert line, f"the demonstration ended: {text}"
            text += line
        wallet = re.search(r"^wallet +(\S+)", text, re.MULTILINE)
        console = re.search(r"^console +(\S+) +log in as (\S+), password (\S+)", text, re.MULTILINE)
        assert wallet is not None
        assert console is not None
        yield Building(wallet[1], console[1], console[2], console[3], process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless. Playwright's loop would be in the way of other modules' own."""
    with sync_playwright() as playwright:
        executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    """A page on a small phone; any error in its console fails the test."""
    context = chromium.new_context(viewport={"width": 360, "height": 740}, locale="en-GB")
    yield from _page(context)


@pytest.fixture
def desk(chromium: Browser) -> Iterator[Page]:
    """A page on a desk's screen; any error in its console fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="pt-PT")
    yield from _page(context)


def _page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    context.close()
    assert failures == []


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the page as test output."""
    file = SHOTS / f"{name}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=file, full_page=True)


def check_accessible(page: Page) -> None:
    """axe finds nothing. It is injected as a test's own script, past the page's policy."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE.read_text()})
    answer = session.send(
        "Runtime.evaluate",
        {
            "expression": "axe.run().then((r) => JSON.stringify(r.violations.map((v) =>"
            " [v.id, v.nodes.map((n) => n.html)])))",
            "awaitPromise": True,
        },
    )
    assert answer["result"].get("value") == "[]", answer["result"]
