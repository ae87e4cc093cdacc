"""Makes the README's pictures: the demonstration condominium, a phone that charges there, and its console.

`python -m tools.screenshots` (`make screenshots`): starts the demonstration in a folder of its own, goes a
resident's way in Chromium, and writes `docs/pictures/*.png`. Nothing in the pictures is made up.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tools.demonstration import ROOT, Building, DemonstrationError, chromium, running

PICTURES = ROOT / "docs" / "pictures"
PHONE = ViewportSize(width=360, height=740)
DESK = ViewportSize(width=1280, height=800)
_PASSPHRASE = "a passphrase for pictures"  # noqa: S105 - of a wallet that is thrown away
_CHARGING_MS = 40_000
"""How long the car charges before its picture is taken: a chart of one point says nothing."""
_SETTLED_MS = 8_000
"""Until the cars that were just given power draw it."""


def main() -> int:
    """Write the pictures; 0 when they are there, 1 after a sentence."""
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            running(Path(folder), ["--residents", "0"]) as building,
            sync_playwright() as playwright,
        ):
            browser = chromium(playwright)
            phone = _resident(browser, building)
            _queue(phone)
            _manager(browser, building)
            _receipt(phone)
            browser.close()
    except DemonstrationError as error:
        sys.stderr.write(f"screenshots: {error}\n")
        return 1
    return 0


def _resident(browser: Browser, building: Building) -> Page:
    """Make a wallet, buy, choose, charge, with a picture of the last two; returns the page."""
    page = browser.new_context(viewport=PHONE, locale="en-GB", device_scale_factor=2).new_page()
    page.goto(building.wallet)
    page.locator("input[name=passphrase]").fill(_PASSPHRASE)
    page.get_by_role("button", name="Make a wallet").click()
    page.get_by_role("button", name="I have written them down").click()
    page.get_by_role("link", name="Buy", exact=True).click()
    page.get_by_role("button", name="€20.00").click()
    page.get_by_role("button", name="Get a payment reference").click()
    expect(page.get_by_role("heading", name="Your tokens have arrived")).to_be_visible(timeout=30_000)
    page.evaluate("location.hash = '/unit/3'")
    page.get_by_role("button", name="Energy").click()
    page.locator("input[name=energy]").fill("12")
    page.locator("input[name=leave]").fill("07:30")
    page.locator("input[name=leave]").blur()
    _picture(page, "wallet-start")
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Sign and start").click()
    expect(page.locator(".badge.live")).to_have_text("Charging", timeout=120_000)
    page.wait_for_timeout(_CHARGING_MS)
    _picture(page, "wallet-charging")
    return page


def _queue(page: Page) -> None:
    """Ask for the other two sockets too: the supply feeds two cars, so one waits and says why."""
    for unit in (1, 2):
        page.evaluate(f"location.hash = '/unit/{unit}'")
        page.get_by_role("button", name="Energy").click()
        page.locator("input[name=energy]").fill("6")
        page.get_by_role("button", name="Review").click()
        page.get_by_role("button", name="Sign and start").click()
        expect(page.locator("section.now")).to_be_visible(timeout=30_000)


def _receipt(page: Page) -> None:
    """Stop at the third socket, and see what it came to."""
    page.evaluate("location.hash = '/'")
    page.get_by_role("link", name="At socket 3").click()
    page.get_by_role("button", name="Stop charging").click()
    expect(page.get_by_text("Verified on this phone")).to_be_visible(timeout=60_000)
    _picture(page, "wallet-receipt")


def _manager(browser: Browser, building: Building) -> None:
    """Log in and look at the floor."""
    page = browser.new_context(viewport=DESK, locale="en-GB").new_page()
    page.goto(building.console)
    page.locator("input[name=username]").fill(building.username)
    page.locator("input[name=password]").fill(building.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Now")).to_be_visible()
    expect(page.locator(".waiting li").first).to_contain_text("in the queue", timeout=180_000)
    page.wait_for_timeout(_SETTLED_MS)
    _picture(page, "console-now")


def _picture(page: Page, name: str) -> None:
    page.wait_for_timeout(400)
    page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
