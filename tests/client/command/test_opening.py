"""`condocharge open`: what exactly is signed."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime

import click
import pytest

from chaincode.signing.intent import OpenIntent, intent_id
from chaincode.tariff import Band, Change, Tariff
from client.command.opening import _departure
from tests.client.command.conftest import Terminal
from tests.client.relay import TARIFF, UNIT, decode, server_sent, session_members


def opened(terminal: Terminal) -> OpenIntent:
    """The one intent that reached the gateway."""
    (intent,) = terminal.relay.intents
    assert isinstance(intent, OpenIntent)
    return intent


def test_the_intent_holds_what_was_asked_for(terminal: Terminal, maria: str) -> None:
    """Amounts in minor units, energy in Wh, times in seconds, the tariff in force, a short validity."""
    words = ("open", "7", "--lock", "12.00", "--hours", "2.5", "--energy", "15", "--yes")
    session = terminal.json(*words)["session"]
    intent = opened(terminal)
    assert (intent.wallet, intent.network, intent.condominium, intent.issuer) == (
        maria,
        "aurora",
        "sol",
        "sol",
    )
    assert (intent.unit, intent.tariff, intent.amount) == (7, 3, 1_200)
    assert (intent.duration, intent.energy, intent.leave) == (9_000, 15_000, None)
    assert intent.tariff_hash == TARIFF.hash()
    assert 0 < intent.expires - time.time() <= 600
    assert len(session) == 64


@pytest.mark.usefixtures("maria")
def test_prices_are_shown_before_signing(terminal: Terminal) -> None:
    """What it may cost is on the screen before the question, and no signs nothing."""
    result = terminal.run("open", "7", "--lock", "12", typed="n\n")
    assert result.exit_code == 1
    assert "Nothing was signed." in result.stderr
    for expected in ("EUR 0.1834 per kWh", "Start fee EUR 0.25", "Locks EUR 12.00 for 9:00:00"):
        assert expected in result.stderr
    assert terminal.relay.intents == []
    assert terminal.run("open", "7", "--lock", "12", typed="y\n").exit_code == 0
    assert opened(terminal).amount == 1_200


@pytest.mark.usefixtures("maria")
def test_ctrl_c_at_the_question_signs_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts see the exit code that shells give an interrupted command."""

    def interrupted(*_words: object, **_options: object) -> bool:
        # As click does it: the cause is hidden, and still the context.
        abort = click.Abort()
        abort.__context__ = KeyboardInterrupt()
        raise abort

    monkeypatch.setattr(click, "confirm", interrupted)
    assert "Nothing was signed." in terminal.refused("open", "7", "--lock", "12", code=130)
    assert terminal.relay.intents == []


@pytest.mark.usefixtures("maria")
def test_the_band_of_now_is_marked_and_nothing_that_costs_nothing_shown(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prices have no zeros without meaning; of two bands the one in force is said."""
    bands = (
        Band(name="night", energy_price=180_000, idle_price=0),
        Band(name="day", energy_price=250_500, idle_price=10_000),
    )
    tariff = replace(TARIFF, bands=bands, week=(Change(minute=0, band=0), Change(minute=480, band=1)))
    terminal.relay.answers["GET /v1/tariffs/3"] = (200, tariff.encode())
    monkeypatch.setattr(Tariff, "band_at", lambda _tariff, _time: 1)
    said = terminal.run("open", "7", "--lock", "12", typed="n\n").stderr
    assert "night: EUR 0.18 per kWh\n" in said
    assert "day: EUR 0.2505 per kWh, EUR 0.01 per minute connected after charging (now)\n" in said


@pytest.mark.usefixtures("maria")
def test_a_unit_that_is_not_there_is_said_before_the_passphrase(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence says where the units are."""
    monkeypatch.delenv("CONDOCHARGE_PASSPHRASE")
    said = terminal.refused("open", "33", "--lock", "12")
    assert "no unit 33 here; `condocharge units` lists them" in said


@pytest.mark.usefixtures("maria")
def test_more_than_the_balance_is_said_in_money_before_the_question(terminal: Terminal) -> None:
    """Nothing is signed for it."""
    said = terminal.refused("open", "7", "--lock", "20.01")
    assert "EUR 20.01 is more than the wallet maria has, EUR 20.00" in said
    assert "Sign this?" not in said
    assert terminal.relay.intents == []


@pytest.mark.usefixtures("maria")
def test_a_unit_in_use_is_said_before_signing(terminal: Terminal) -> None:
    """Whoever would wait knows it; at a free one nothing is said."""
    rows = [UNIT | {"state": "charging"}]
    assert "in use" not in terminal.run("open", "7", "--lock", "12", typed="n\n").stderr
    terminal.relay.answers["GET /v1/units"] = (200, {"rows": rows, "bookmark": ""})
    said = terminal.run("open", "7", "--lock", "12", typed="n\n").stderr
    assert "Unit 7 is in use; yours would wait until it ends" in said


def test_what_an_opened_session_does_is_shown(terminal: Terminal, maria: str) -> None:
    """Its place and why, where the gateway says; the session is named where it does not."""
    assert terminal.done("open", "7", "--lock", "12", "--yes").startswith("session:")

    def answer(request_body: bytes) -> tuple[int, object]:
        session = intent_id(decode(json.loads(request_body)["body"]))
        waits = session_members(session, maria, activity="queued", reason="second in the queue")
        terminal.relay.answers[f"GET /v1/sessions/{session}"] = (200, waits)
        return 201, {"id": session, "record": {}}

    terminal.relay.answers["POST /v1/intents"] = answer
    said = terminal.done("open", "7", "--lock", "12", "--yes")
    assert "queued" in said
    assert "second in the queue" in said


@pytest.mark.usefixtures("maria")
def test_leaving_sets_the_duration(terminal: Terminal) -> None:
    """Where no --hours are given the session lasts until the car leaves."""
    leave = datetime.fromtimestamp(int(time.time()) + 7_200, UTC).isoformat()
    terminal.done("open", "7", "--lock", "12", "--leave", leave, "--yes")
    intent = opened(terminal)
    assert intent.leave == int(datetime.fromisoformat(leave).timestamp())
    assert 7_190 <= intent.duration <= 7_200


def test_a_time_of_day_is_the_next_one() -> None:
    """07:30 said in the evening is tomorrow's."""
    evening = int(datetime(2026, 5, 1, 22, 0).timestamp())  # noqa: DTZ001 - the reader's own clock
    assert _departure("07:30", evening) - evening == 9 * 3_600 + 1_800
    assert _departure("23:00", evening) - evening == 3_600


@pytest.mark.usefixtures("maria")
@pytest.mark.parametrize(
    "words",
    [
        ("--leave", "25:00"),
        ("--leave", "2020-01-01T00:00"),
        ("--leave", "2999-01-01T00:00"),
        ("--hours", "0"),
        ("--hours", "200"),
        ("--energy", "1.2345"),
        ("--energy", "lots"),
        ("--lock", "-1"),
    ],
)
def test_what_makes_no_sense_is_wrong_use(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Nothing is signed for it, and no passphrase is asked for."""
    monkeypatch.delenv("CONDOCHARGE_PASSPHRASE")
    terminal.refused("open", "7", "--lock", "12", "--yes", *words, code=2)
    assert terminal.relay.intents == []


@pytest.mark.usefixtures("maria")
def test_another_network_is_refused(terminal: Terminal) -> None:
    """Tokens of one channel are not known on another; the intent would be refused there."""
    status, condominium = terminal.relay.answers["GET /v1/condominium"]  # type: ignore[misc]
    terminal.relay.answers["GET /v1/condominium"] = (status, condominium | {"network": "elsewhere"})
    assert "network elsewhere" in terminal.refused("open", "7", "--lock", "12", "--yes")


@pytest.mark.usefixtures("maria")
def test_a_visitor_pays_with_tokens_from_home(terminal: Terminal) -> None:
    """The issuer stays the wallet's own; where the person goes, the person says, not a gateway."""
    status, condominium = terminal.relay.answers["GET /v1/condominium"]  # type: ignore[misc]
    terminal.relay.answers["GET /v1/condominium"] = (status, condominium | {"code": "lua"})
    words = ("open", "7", "--lock", "12", "--yes", "--gateway", "http://lua.test")
    assert "--at lua" in terminal.refused(*words)
    assert "not est's" in terminal.refused(*words, "--at", "est")
    assert terminal.relay.intents == []
    terminal.done(*words, "--at", "lua")
    intent = opened(terminal)
    assert (intent.condominium, intent.issuer) == ("lua", "sol")
    assert terminal.relay.requests[-1].url.host == "lua.test"


@pytest.mark.usefixtures("maria")
def test_a_tariff_under_another_number_is_not_believed(terminal: Terminal) -> None:
    """What is shown is what is signed."""
    status, condominium = terminal.relay.answers["GET /v1/condominium"]  # type: ignore[misc]
    terminal.relay.answers["GET /v1/condominium"] = (status, condominium | {"tariff": {"number": 4}})
    terminal.relay.answers["GET /v1/tariffs/4"] = (200, TARIFF.encode())
    assert "tariff 3, not 4" in terminal.refused("open", "7", "--lock", "12", "--yes")
    for wrong in (b'{"number": 4}', b"[]", TARIFF.encode().replace(b"183400", b'"183400"')):
        terminal.relay.answers["GET /v1/tariffs/4"] = (200, wrong)
        assert "cannot be read" in terminal.refused("open", "7", "--lock", "12", "--yes")


@pytest.mark.usefixtures("maria")
def test_the_rules_words_reach_the_person(terminal: Terminal) -> None:
    """A refusal names field and rule, without a traceback."""
    problem = {"detail": "amount: is at most 300, the wallet's balance", "code": "state-conflict"}
    terminal.relay.answers["POST /v1/intents"] = (409, problem)
    assert "amount: is at most 300" in terminal.refused("open", "7", "--lock", "12", "--yes")


@pytest.mark.usefixtures("maria")
def test_a_refusal_cannot_write_over_the_screen(terminal: Terminal) -> None:
    """A gateway's words lose their control characters, in errors and for scripts too."""
    problem = {"detail": "\x1b[2J\x9b2Jpaid\r", "code": "state-conflict"}
    terminal.relay.answers["POST /v1/intents"] = (409, problem)
    said = terminal.refused("open", "7", "--lock", "12", "--yes")
    assert not {"\x1b", "\x9b", "\r"} & set(said)
    unit = {"unit": 1, "state": "free", "reason": None, "location": "\x9b2J"}
    terminal.relay.answers["GET /v1/units"] = (200, {"rows": [unit], "bookmark": ""})
    assert "\x9b" not in terminal.done("units", "--json")
    assert "\x9b" not in terminal.done("units")


@pytest.mark.usefixtures("maria")
def test_where_no_answer_comes_the_session_is_named(terminal: Terminal) -> None:
    """The intent may have arrived, so the person is told how to find out; the exit code says try again."""
    terminal.relay.deaf_after_intents = True
    said = terminal.refused("open", "7", "--lock", "12", "--yes", code=3)
    assert intent_id(terminal.relay.intents[0].encode()) in said
    assert "condocharge watch" in said
    assert len(terminal.relay.intents) == 3
    assert len({intent.nonce for intent in terminal.relay.intents}) == 1


def test_it_can_go_on_watching(terminal: Terminal, maria: str) -> None:
    """--watch stays to the end and prints each change."""
    ended = session_members("ab" * 32, maria, state="settled", activity="ended", refund=1_050)

    def answer(request_body: bytes) -> tuple[int, object]:
        session = intent_id(decode(json.loads(request_body)["body"]))
        terminal.relay.answers[f"GET /v1/sessions/{session}/events"] = (200, server_sent(ended))
        return 201, {"id": session, "record": {}}

    terminal.relay.answers["POST /v1/intents"] = answer
    said = terminal.done("open", "7", "--lock", "12", "--yes", "--watch")
    assert "EUR 10.50" in said
