"""The phone's wallet in Chromium: what its first view weighs, how soon a slow phone can use it, and how
smoothly a chart of 63,000 samples (paper, table 2) pans.

The first view is throttled as Lighthouse's slow 4G: 150 ms to the server, 1.6 Mbit/s, a processor four times
slower.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from bench.result import Result
from tools.demonstration import chromium, running

LATENCY = 150
"""ms."""
DOWN = 1.6 * 1024 * 1024 / 8
UP = 750 * 1024 / 8
"""Bytes a second."""
SLOWER = 4
VIEWS = 5
SAMPLES = 63_000
FRAMES = 120
_USABLE = """new Promise((done) => {
  const look = () => document.querySelector("form button.wide")
    ? requestIdleCallback(() => done(performance.now()))
    : requestAnimationFrame(look);
  look();
})"""
_DRAW = """async (samples) => {
  const [{ html, render }, { Series }] = await Promise.all([
    import("/shared/html.js"), import("/shared/chart/series.js"),
  ]);
  const times = Array.from({ length: samples }, (_, index) => 1548000000 + 60 * index);
  const values = times.map((_, index) => 10 + 5 * Math.sin(index / 90) + (index % 7) / 10);
  const lines = [{ label: "current", values }];
  const place = document.createElement("main");
  document.body.replaceChildren(place);
  render(html`<${Series} title="Current" unit="A" times=${times} lines=${lines} />`, place);
}"""
_PAN = """async (frames) => {
  const over = document.querySelector(".u-over");
  const box = over.getBoundingClientRect();
  const at = (type, x) => over.dispatchEvent(new PointerEvent(type, {
    pointerId: 1, isPrimary: true, bubbles: true, clientX: box.left + x, clientY: box.top + 50,
  }));
  over.setPointerCapture = () => {};
  const next = () => new Promise(requestAnimationFrame);
  at("pointerdown", box.width / 2);
  const gaps = [];
  let last = await next();
  for (let frame = 1; frame <= frames; frame += 1) {
    at("pointermove", box.width / 2 + (frame % 60 < 30 ? 1 : -1) * (frame % 30) * 3);
    const now = await next();
    gaps.push(now - last);
    last = now;
  }
  at("pointerup", 0);
  return gaps;
}"""


def measure() -> list[Result]:
    """Bytes and milliseconds of the first view, and the frames of a pan."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder)) as building,
        sync_playwright() as playwright,
    ):
        browser = chromium(playwright)
        weights, waits = zip(*(_first_view(browser, building.wallet) for _ in range(VIEWS)), strict=True)
        gaps = _pan(browser, building.wallet)
        browser.close()
    return [
        _result("first view of the wallet, compressed", max(weights) / 1_000, "kB", "under 100 kB"),
        _result(
            f"first view of the wallet to usable, slow 4G, processor {SLOWER} times slower, median",
            statistics.median(waits),
            "ms",
            "under 1,000 ms",
        ),
        _result(f"pan of {SAMPLES:,} samples, frame, median", statistics.median(gaps), "ms", "17 ms"),
        _result(
            f"pan of {SAMPLES:,} samples, frame, 95th percentile",
            statistics.quantiles(gaps, n=20)[18],
            "ms",
            "under 34 ms",
        ),
    ]


def _first_view(browser: Browser, wallet: str) -> tuple[int, float]:
    """Bytes over the network, headers too, and milliseconds until the form can be used; nothing cached."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    session = context.new_cdp_session(page)
    weight = 0

    def count(event: dict[str, float]) -> None:
        nonlocal weight
        weight += int(event["encodedDataLength"])

    session.on("Network.loadingFinished", count)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": LATENCY, "downloadThroughput": DOWN, "uploadThroughput": UP},
    )
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(wallet, wait_until="commit")
    usable: float = page.evaluate(_USABLE)
    seen = weight
    context.close()
    return seen, usable


def _pan(browser: Browser, wallet: str) -> list[float]:
    """Milliseconds between the frames of one long pan, half of the samples in view."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(wallet)
    page.evaluate(_DRAW, SAMPLES)
    page.wait_for_selector("canvas")
    page.locator(".tools button").nth(2).click()
    gaps: list[float] = page.evaluate(_PAN, FRAMES)
    context.close()
    return gaps


def _result(what: str, value: float, unit: str, target: str) -> Result:
    return Result(id="wallet", what=what, value=value, unit=unit, reference="", target=target)
