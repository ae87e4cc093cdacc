"""The demonstration condominium in a process of its own, and a phone-sized Chromium to look at it with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.gateway.notification.push_service import PushService
from tools.demonstration import ROOT, Building, chromium, running

SHOTS = ROOT / "test-output" / "screenshots"
expect.set_options(timeout=30_000)
AXE = ROOT / "client" / "web" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def push_service() -> Iterator[PushService]:
    """In the place of the browser vendor's push service, which no test can reach."""
    with PushService() as service:
        yield service


@pytest.fixture(scope="module")
def building(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, push_service: PushService
) -> Iterator[Building]:
    """A running demonstration. Each module has its own, and may publish tariffs or retire units in it; its
    RESIDENTS says how many come and go, and nobody does where it says nothing."""
    folder = tmp_path_factory.mktemp("building")
    residents = getattr(request.module, "RESIDENTS", 0)
    with running(folder, ["--push-origin", push_service.origin, "--residents", str(residents)]) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless. Playwright's loop would be in the way of other modules' own."""
    with sync_playwright() as playwright:
        found = chromium(playwright)
        yield found
        found.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A page on a small phone; any error in its console fails the test."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="en-GB")
    yield from _page(context)


@pytest.fixture
def desk(browser: Browser) -> Iterator[Page]:
    """A page on a desk's screen; any error in its console fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="pt-PT")
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
