"""A network that loses, delays, repeats and cuts: energy stays exact to the register, and the socket safe."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from chaincode.signing.batch import Flag
from tests.firmware.gateway import SESSION, http
from tests.firmware.host.conftest import Site

pytestmark = pytest.mark.firmware


def test_server_gone_for_six_hours(running: Site) -> None:
    """The relay opens when the grant runs out and stays open; then register and session go on."""
    running.gateway.on(grant=300)
    running.run(120, 10.0)
    running.unit.c.harness_link(1, 0)
    running.run(6 * 3600, 10.0, online=False)
    assert not running.unit.closed()
    assert running.unit.energy == pytest.approx(10 * 230 * (300 + 110) / 3.6, rel=0.06)
    running.unit.c.harness_link(1, 1)
    running.run(300, 10.0)
    running.gateway.end()
    running.run(60, 10.0)
    end = next(b for b in running.gateway.batches if Flag.END in b.flags)
    assert end.register == running.unit.energy
    assert sum(Flag.BEGIN in b.flags for b in running.gateway.batches) == 1


def test_full_ring_loses_detail_not_energy(running: Site) -> None:
    """Offline under a long grant the ring overflows: BEGIN stays, new batches stay, the register is whole."""
    running.gateway.on(grant=65_535)
    running.unit.c.harness_link(1, 1)
    while running.unit.c.harness_phase() != 2:
        running.run(1, 10.0)
    running.unit.c.harness_link(1, 0)
    running.run(7200, 10.0, online=False)
    running.unit.c.harness_link(1, 1)
    running.run(90, 10.0)
    numbers = [b.number for b in running.gateway.batches]
    assert max(b - a for a, b in pairwise(numbers)) > 1
    assert any(Flag.BEGIN in b.flags and b.session == SESSION for b in running.gateway.batches)
    told = running.gateway.batches[-1].register
    assert running.unit.energy - told <= 10 * 230 * 60 / 3.6


def test_backs_off(running: Site) -> None:
    """A dead server is asked ever more rarely, up to about once in a minute and a half."""
    running.unit.c.harness_link(1, 1)
    asked = []
    for second in range(1800):
        running.unit.seconds(1)
        if running.unit.question():
            asked.append(second)
            running.unit.answer(http(b"", "503 Service Unavailable"))
    gaps = [b - a for a, b in pairwise(asked)]
    assert gaps[0] < 5
    assert 55 < max(gaps) < 110
    assert len(asked) < 60


def test_network_is_begun_anew_after_failures(running: Site) -> None:
    """After failures in a row the unit asks for addresses again: its lease or the server's may be new."""
    starts = running.unit.c.harness_network_starts()
    running.unit.c.harness_link(1, 0)
    running.run(600, online=False)
    assert running.unit.c.harness_network_starts() > starts


@pytest.mark.parametrize("seed", range(6))
def test_wire_that_loses_repeats_and_delays(running: Site, seed: int) -> None:
    """Answers lost, late by up to 30 s, overtaken, doubled or cut short, questions lost: the register ends
    exact."""
    chance = random.Random(seed)
    running.gateway.on(grant=200)
    pending: list[tuple[int, bytes]] = []
    for _ in range(2400):
        running.passed += 1
        running.unit.seconds(1, 12.0)
        question = running.unit.question()
        if question and chance.random() > 0.15:
            answer = running.gateway.answer(question)
            if chance.random() < 0.1:
                running.gateway.answer(question)
            if chance.random() < 0.1:
                answer = answer[: chance.randrange(len(answer))]
            if chance.random() > 0.15:
                pending.append((running.passed + chance.choice((0, 0, 1, 5, 30)), answer))
        for late in [each for each in pending if each[0] <= running.passed]:
            pending.remove(late)
            running.unit.answer(late[1])
    running.gateway.end()
    running.run(120, 12.0)
    ends = [b for b in running.gateway.batches if Flag.END in b.flags]
    assert [e.session for e in ends] == [SESSION]
    assert ends[0].register == running.unit.energy > 0
    assert not running.unit.closed()


def test_wrong_clock_recovers(running: Site) -> None:
    """A gateway whose clock jumps is not obeyed, and after the unit's restart it is."""
    running.passed += 86_400
    running.gateway.on()
    running.run(200, 8.0)
    assert not running.unit.closed()
    assert running.unit.start()
    running.run(60, 8.0)
    assert running.unit.closed()


def test_gateway_that_stores_nothing_is_not_flooded(running: Site) -> None:
    """Answers that acknowledge nothing make the unit wait before it sends the same batches again."""
    running.gateway.acknowledges = False
    asked = 0
    for _ in range(300):
        running.passed += 1
        running.unit.seconds(1)
        asked += running.unit.exchange(running.gateway)
    assert asked < 20


def test_oversized_and_foreign_answers_change_nothing(running: Site) -> None:
    """Whatever is not a small 200 with a command is refused, and the unit asks again."""
    on = running.gateway.command()
    foreign = [
        http(on, "404 Not Found"),
        http(on + bytes(5000)),
        http(on).replace(b"content-length", b"content-size"),
        http(on).replace(b"HTTP/1.1", b"HTTP/9.1"),
        http(on).replace(b"content-type", b"Transfer-Encoding: chunked\r\nx"),
        http(on).replace(b"content-type", b"Content-Length: 64\r\nx"),
        b"\x00" * 3000,
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 2000,
    ]
    for answer in foreign:
        question = b""
        while not question:
            running.passed += 1
            running.unit.seconds(1)
            question = running.unit.question()
        running.unit.answer(answer)
        running.unit.seconds(1)
        running.passed += 1
    assert not running.unit.closed()
    running.run(120)
    assert running.unit.c.harness_phase() == 0
    assert running.gateway.batches[-1].time > running.gateway.clock() - 70
