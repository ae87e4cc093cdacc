"""What can go wrong between a phone and a socket, and what makes charging easy: each in a browser against
a running gateway, ledger and simulated units."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import check_accessible, shoot
from tests.browser.resident import await_worker, buy, make_wallet, review, start, stop, unlock
from tests.gateway.notification.push_service import PushService
from tools.demonstration import Building

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
CHARGING = 120_000


def _sessions(page: Page) -> int:
    """How many sessions the wallet's list shows."""
    page.evaluate("location.hash = '/history'")
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    page.wait_for_selector("a.unit[href^='#/session/']")
    return page.locator("a.unit[href^='#/session/']").count()


def test_a_sockets_link_leads_a_newcomer_to_charging(phone: Page, building: Building) -> None:
    """A code, a new wallet, and the page of that very socket; another condominium's code is told apart."""
    make_wallet(phone, building, "/#/unit/3?at=aurora")
    expect(phone.get_by_role("heading", name="Charge at socket 3")).to_be_visible()
    expect(phone.get_by_text("You hold no tokens yet.")).to_be_visible()
    check_accessible(phone)
    shoot(phone, "wallet-newcomer")
    phone.evaluate("location.hash = '/unit/3?at=boreal'")
    expect(phone.get_by_role("alert")).to_contain_text("boreal")
    phone.evaluate("location.hash = '/scan'")
    expect(phone.get_by_text("no camera").or_(phone.get_by_text("not allowed"))).to_be_visible()
    check_accessible(phone)
    shoot(phone, "wallet-scan")
    phone.locator("input[name=unit]").fill("3")
    phone.get_by_role("button", name="Go to the socket").click()
    expect(phone.get_by_role("heading", name="Charge at socket 3")).to_be_visible()


def test_a_code_before_the_camera_is_read_by_the_library_too(phone: Page, building: Building) -> None:
    """Where the browser has no detector of its own the pinned library reads the same code."""
    make_wallet(phone, building)
    answer = phone.evaluate(
        """async () => {
            const { default: encode } = await import("qr/index.js");
            const { BarcodeDetector } = await import("qr/decode.js");
            const { pathOf } = await import("/pages/scan.js");
            const rows = encode("https://wallet.example/#/unit/7?at=aurora", "raw", { border: 4 });
            const canvas = new OffscreenCanvas(rows.length * 8, rows.length * 8);
            const pen = canvas.getContext("2d");
            pen.fillStyle = "white"; pen.fillRect(0, 0, canvas.width, canvas.height); pen.fillStyle = "black";
            rows.forEach((row, y) => row.forEach((dark, x) => dark && pen.fillRect(x * 8, y * 8, 8, 8)));
            const detector = new BarcodeDetector({ formats: ["qr_code"] });
            const [code] = await detector.detect(await createImageBitmap(canvas));
            return [pathOf(code.rawValue), pathOf("https://elsewhere.example/#/settings"), pathOf("unit 7")];
        }"""
    )
    assert answer == ["/unit/7?at=aurora", None, None]


def test_a_lost_network_neither_stops_charging_nor_the_page(phone: Page, building: Building) -> None:
    """The page says how old it is, also after a reload; what was signed is sent when the network is back."""
    make_wallet(phone, building)
    buy(phone)
    start(phone)
    expect(phone.locator(".badge.live")).to_have_text("Charging", timeout=CHARGING)
    await_worker(phone)
    phone.context.set_offline(True)
    expect(phone.get_by_text("The connection was lost")).to_be_visible(timeout=30_000)
    check_accessible(phone)
    phone.get_by_role("button", name="Stop charging").click()
    refused = phone.locator("form").get_by_role("alert")
    expect(refused).to_contain_text("cannot be reached", timeout=30_000)
    shoot(phone, "wallet-offline")
    phone.reload()
    expect(phone.get_by_text("The connection was lost")).to_be_visible(timeout=30_000)
    expect(phone.locator("dl.pairs").first).to_contain_text("kWh")
    phone.context.set_offline(False)
    expect(phone.get_by_text("Verified on this phone")).to_be_visible(timeout=90_000)
    expect(phone.get_by_text("You stopped it")).to_be_visible()


def test_two_tabs_sign_one_wish_once(phone: Page, building: Building) -> None:
    """Both tabs look at what to sign for the same socket; both press the button; one session is opened."""
    make_wallet(phone, building)
    buy(phone)
    second = phone.context.new_page()
    second.goto(building.wallet)
    unlock(second)
    expect(second.get_by_role("heading", name="Where is your car?")).to_be_visible()
    first_wish, second_wish = review(phone), review(second)
    assert first_wish["nonce"] != second_wish["nonce"]
    for page in (phone, second):
        page.evaluate("setTimeout(() => document.querySelector('form button.wide').click(), 50)")
    for page in (phone, second):
        expect(page.locator("section.now")).to_be_visible(timeout=30_000)
    assert phone.url == second.url
    stop(phone)
    second.close()
    assert _sessions(phone) == 1


def test_what_was_not_answered_is_sent_again_and_not_signed_again(phone: Page, building: Building) -> None:
    """The gateway's answer is lost on its way, and the phone is switched off: the same bytes go out again."""
    make_wallet(phone, building)
    buy(phone)
    review(phone)
    sent: list[str] = []

    def lose(route: Any) -> None:
        sent.append(route.request.post_data)
        if len(sent) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    phone.route("**/v1/intents", lose)
    phone.locator("form button.wide").click()
    expect(phone.get_by_role("alert")).to_contain_text("cannot be reached")
    phone.reload()
    unlock(phone)
    for _ in range(60):
        if len(sent) == 2:
            break
        phone.wait_for_timeout(250)
    assert sent[1] == sent[0]
    assert _sessions(phone) == 1
    phone.locator("a.unit[href^='#/session/']").click()
    stop(phone)


def test_what_is_not_settled_in_time_is_offered_back(phone: Page, building: Building) -> None:
    """By itself, from the end of the grace period on: by the phone's clock, here eleven hours ahead.
    The ledger goes by its own and refuses."""
    make_wallet(phone, building)
    buy(phone)
    start(phone)
    # While it charges, readings draw the page anew; in the queue the new time would be seen only later.
    expect(phone.locator(".badge.live")).to_have_text("Charging", timeout=CHARGING)
    expect(phone.get_by_role("button", name="Reclaim what was not used")).to_have_count(0)
    phone.clock.set_fixed_time(datetime.now(UTC) + timedelta(hours=11))
    expect(phone.get_by_role("alert").first).to_contain_text("has not settled this session in time")
    check_accessible(phone)
    shoot(phone, "wallet-reclaim")
    phone.get_by_role("button", name="Reclaim what was not used").click()
    expect(phone.get_by_role("alert").filter(has_text="refused")).to_be_visible(timeout=20_000)
    phone.clock.set_fixed_time(datetime.now(UTC))
    stop(phone)


def test_a_wish_in_energy_or_charge_is_priced_before_it_is_signed(phone: Page, building: Building) -> None:
    """What is shown is what is signed: the lock covers the dearest hours, the sum is for starting now."""
    make_wallet(phone, building)
    buy(phone)
    phone.evaluate("location.hash = '/settings'")
    phone.locator("input[name=capacity]").fill("40")
    phone.get_by_role("button", name="Save", exact=True).click()
    expect(phone.get_by_text("Saved in this browser.")).to_be_visible()
    check_accessible(phone)
    phone.evaluate("location.hash = '/unit/3'")
    phone.get_by_role("button", name="Battery").click()
    phone.locator("input[name=now]").fill("50")
    phone.locator("input[name=target]").fill("95")
    phone.locator("input[name=leave]").fill("07:30")
    expect(phone.locator(".outlook")).to_contain_text("20.0 kWh")
    check_accessible(phone)
    shoot(phone, "wallet-battery")
    phone.get_by_role("button", name="Review").click()
    intent = json.loads(phone.locator("pre").text_content() or "")
    # 18 kWh for the battery are 20 from the socket. Locked is their cost in the dearest band before 07:30:
    # by day 20 · 0.1834 + 0.10, late at night 20 · 0.1120 + 0.10, and a cent for what rounding left.
    assert intent["energy"] == 20_000
    assert intent["amount"] in (377, 235)
    assert intent["leave"] % 1_800 == 0
    assert abs(intent["duration"] - (intent["leave"] - intent["expires"] + 600)) <= 2
    expect(phone.locator("dl.pairs").first).to_contain_text("20.00 kWh")
    expect(phone.get_by_role("heading", name="What it costs, starting now")).to_be_visible()
    check_accessible(phone)
    shoot(phone, "wallet-sign")


def test_a_permission_is_granted_shown_and_ended(phone: Page, building: Building) -> None:
    """For plugging in at one socket, with caps; the list shows what the ledger has."""
    make_wallet(phone, building)
    buy(phone)
    phone.evaluate("location.hash = '/mandates'")
    phone.locator("summary").click()
    phone.get_by_role("button", name="Review").click()
    expect(phone.get_by_role("alert")).to_contain_text("Choose at least one socket")
    phone.get_by_role("checkbox", name="Socket 2").check()
    check_accessible(phone)
    shoot(phone, "wallet-mandate-terms")
    phone.get_by_role("button", name="Review").click()
    intent = json.loads(phone.locator("pre").text_content() or "")
    assert (intent["units"], intent["tags"], intent["session_cap"]) == ([2], [], 500)
    assert intent["price_limit"] == 229_250
    check_accessible(phone)
    phone.get_by_role("button", name="Sign the permission").click()
    expect(phone.get_by_role("heading", name="Plugging in · socket 2")).to_be_visible()
    expect(phone.get_by_text("€0.00 of €60.00 in 30 days")).to_be_visible()
    check_accessible(phone)
    shoot(phone, "wallet-mandates")
    phone.get_by_role("button", name="End this permission").click()
    expect(phone.get_by_role("heading", name="Ended")).to_be_visible()
    expect(phone.get_by_role("button", name="End this permission")).to_have_count(0)


_SUBSCRIBE = """
PushManager.prototype.getSubscription = async function () { return globalThis.standIn ?? null; };
PushManager.prototype.subscribe = async function ({ applicationServerKey }) {
  const plain = (text) => atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = (text) => Uint8Array.from(plain(text), (c) => c.charCodeAt(0));
  globalThis.asked = applicationServerKey;
  globalThis.standIn = {
    endpoint: SUBSCRIPTION.endpoint,
    getKey: (name) => bytes(name === "auth" ? SUBSCRIPTION.secret : SUBSCRIPTION.key).buffer,
    unsubscribe: async () => { globalThis.standIn = null; return true; },
  };
  return globalThis.standIn;
};
Notification.requestPermission = async () => "granted";
"""


def _one_more(route: Route) -> None:
    """The list of notices as the gateway gives it, with its newest told again a second later."""
    answer = route.fetch()
    told = answer.json()
    newest = told["rows"][0]
    told["rows"].insert(0, newest | {"time": newest["time"] + 1})
    route.fulfill(response=answer, json=told)


_NOTIFIED = """async () => {
  const worker = await navigator.serviceWorker.ready;
  for (let tries = 0; tries < 600; tries += 1) {
    const [shown] = await worker.getNotifications();
    if (shown) return [shown.title, shown.body];
    await new Promise((later) => setTimeout(later, 100));
  }
  throw new Error("a minute later there is no notification");
}"""


def test_the_end_is_told_in_the_page_and_by_push(
    phone: Page, building: Building, push_service: PushService
) -> None:
    """A local push service stands in for the browser vendor's and for the part of the browser that speaks to
    it; what it gets is decrypted with the subscription's key and handed to the real service worker."""
    subscription = json.dumps(push_service.subscription)
    phone.add_init_script(_SUBSCRIBE.replace("SUBSCRIPTION", f"({subscription})"))
    phone.context.grant_permissions(["notifications"], origin=building.wallet)
    protocol = phone.context.new_cdp_session(phone)
    registrations: dict[str, str] = {}
    protocol.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.update(
            {r["scopeURL"]: r["registrationId"] for r in event["registrations"]}
        ),
    )
    protocol.send("ServiceWorker.enable")
    make_wallet(phone, building)
    await_worker(phone)
    buy(phone)
    phone.evaluate("location.hash = '/notifications'")
    phone.get_by_role("checkbox", name="The car is full, or the session has ended").check()
    phone.get_by_role("button", name="Save", exact=True).click()
    expect(phone.get_by_text("Chosen.")).to_be_visible()
    phone.get_by_role("button", name="Send messages to this browser").click()
    expect(phone.get_by_text("Messages come to this browser")).to_be_visible()
    check_accessible(phone)
    shoot(phone, "wallet-notifications")
    start(phone)
    expect(phone.locator(".badge.live")).to_have_text("Charging", timeout=CHARGING)
    stop(phone)
    toast = phone.locator(".toast")
    expect(toast).to_contain_text("Socket 3: the session has ended", timeout=60_000)
    check_accessible(phone)
    shoot(phone, "wallet-toast")
    toast.get_by_role("button", name="Close").click()
    expect(toast).to_have_count(0)
    for _ in range(80):
        if push_service.received:
            break
        phone.wait_for_timeout(250)
    received = push_service.received[-1]
    message = push_service.read(received)
    assert (message["kind"], message["name"], message["unit"]) == ("charged", "ended", 3)
    _, key = push_service.claims(received)
    asked = phone.evaluate("btoa(String.fromCharCode(...globalThis.asked))")
    assert asked.replace("+", "-").replace("/", "_").rstrip("=") == key
    (scope,) = registrations
    protocol.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": scope.rstrip("/"), "registrationId": registrations[scope], "data": json.dumps(message)},
    )
    shown = phone.evaluate(_NOTIFIED)
    assert shown[0] == "Edifício Aurora"
    assert re.fullmatch(r"Socket 3: the session has ended, 0(\.\d+)? kWh for 0\.\d\d EUR\.", shown[1])
    phone.evaluate("location.hash = '/notifications'")
    expect(phone.get_by_text("Socket 3: the session has ended")).to_be_visible()
    phone.get_by_role("button", name="End messages to this browser").click()
    expect(phone.get_by_role("button", name="Send messages to this browser")).to_be_visible()
    phone.route("**/notices", _one_more)
    expect(toast).to_be_visible()
    phone.evaluate("location.hash = '/settings'")
    phone.get_by_role("button", name="Lock now").click()
    expect(phone.get_by_role("button", name="Unlock")).to_be_visible()
    expect(toast).to_have_count(0)
