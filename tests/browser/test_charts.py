"""The charts that wallet and console share, by hand: mouse, keys and buttons, and the tables beside them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import check_accessible, shoot
from tools.demonstration import Building

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
_DRAW = """async () => {
  const names = ["html.js", "chart/series.js", "chart/radar.js", "chart/bars.js"];
  const [{ html, render }, { Series }, { Radar }, { Bars }] = await Promise.all(
    names.map((name) => import(`/shared/${name}`)),
  );
  const times = Array.from({ length: 1441 }, (_, minute) => 1767225600 + 60 * minute);
  const rising = { label: "Rising", values: times.map((_, minute) => minute / 100) };
  const level = { label: "Level", values: times.map((_, minute) => (minute < 700 ? null : 5)) };
  const day = { title: "Power", unit: "kW", times, lines: [rising, level] };
  const spokes = Array.from({ length: 24 }, (_, hour) => ({ label: String(hour), value: hour % 7 }));
  const energy = { unit: "kWh", heads: ["When", "Energy"] };
  const place = document.createElement("main");
  document.body.replaceChildren(place);
  render(html`<h1>Charts</h1>
    <section class="card"><${Series} ...${day} /></section>
    <section class="card"><${Radar} title="By hour" ...${energy} spokes=${spokes} /></section>
    <section class="card"><${Bars} title="By day" ...${energy} bars=${spokes} /></section>`, place);
}"""


def _under(page: Page) -> str:
    """What the tip says of the middle of the picture."""
    over = page.locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 1, box["y"] + 1)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    return page.locator(".tip").inner_text()


def _drawn(page: Page) -> None:
    """Wait until what was just done is on the screen: a frame to draw it in, and one to be sure."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_a_series_is_moved_zoomed_and_read(phone: Page, building: Building) -> None:
    """The middle of a day that rises to 14.4 is 7.2; what moves the picture moves the reading."""
    phone.goto(building.wallet)
    expect(phone.locator("form")).to_be_visible()
    phone.evaluate(_DRAW)
    phone.wait_for_selector("canvas")
    _drawn(phone)
    whole = _under(phone)
    value = float(whole.split("Rising ")[1].split(" ")[0])
    assert abs(value - 7.2) < 0.2
    assert "Level 5.00 kW" in whole
    check_accessible(phone)
    shoot(phone, "charts")
    canvas = phone.locator(".canvas")
    canvas.focus()
    readings = [whole]
    for key in ("+", "ArrowRight", "ArrowLeft", "Home"):
        phone.keyboard.press(key)
        _drawn(phone)
        readings.append(_under(phone))
    zoomed, later, back, home = readings[1:]
    assert later != zoomed
    assert home == whole
    assert abs(float(back.split("Rising ")[1].split(" ")[0]) - 7.2) < 0.2
    phone.get_by_role("button", name="Closer").click()
    phone.get_by_role("button", name="Later").click()
    _drawn(phone)
    assert _under(phone) != whole
    box = phone.locator(".u-over").bounding_box()
    assert box is not None
    before = _under(phone)
    phone.mouse.down()
    phone.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + 40, steps=4)
    phone.mouse.up()
    _drawn(phone)
    assert _under(phone) != before


def test_what_is_drawn_is_told_in_tables_too(phone: Page, building: Building) -> None:
    """48 means of a long series; each spoke and bar with its unit."""
    phone.goto(building.wallet)
    expect(phone.locator("form")).to_be_visible()
    phone.evaluate(_DRAW)
    phone.wait_for_selector("canvas")
    for place, rows in enumerate((48, 24, 24)):
        phone.locator("figure summary").nth(place).click()
        expect(phone.locator("figure").nth(place).locator("tbody tr")).to_have_count(rows)
    first = phone.locator("figure").nth(0).locator("tbody tr").first
    expect(first.locator("td")).to_have_text(["0.15", "–"])
    expect(phone.locator("figure").nth(1).locator("tbody tr").nth(6)).to_contain_text("6.0 kWh")
    expect(phone.locator("figure").nth(2).locator("svg .bar title").nth(6)).to_have_text("6: 6.0 kWh")
    phone.emulate_media(color_scheme="dark")
    check_accessible(phone)
