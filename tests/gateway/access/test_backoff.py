"""Guessing passwords becomes slow, and nobody can be locked out by somebody else's guesses."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from sqlalchemy import func, select

from gateway.access import backoff
from gateway.access.records import FAILURE
from tests.gateway.house import ORIGIN, PASSWORD, House


def _from(house: House, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(house.gateway.app, raise_app_exceptions=False, client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN)


async def _try(house: House, address: str, username: str, password: str = "a wrong password") -> int:
    async with _from(house, address) as client:
        response = await client.post("/v1/login", json={"username": username, "password": password})
    if response.status_code == 429:
        assert int(response.headers["retry-after"]) > 0
    return response.status_code


async def test_each_further_failure_waits_longer(gateway_house: House) -> None:
    """Five at once, then one after 1, 2, 4, … seconds, at most a quarter of an hour."""
    await gateway_house.person("maria")
    assert [await _try(gateway_house, "10.0.0.1", "maria") for _ in range(6)] == [401] * 5 + [429]
    for seconds in (1, 2, 4, 8):
        await gateway_house.clock.advance(seconds - 0.1)
        assert await _try(gateway_house, "10.0.0.1", "maria") == 429
        await gateway_house.clock.advance(0.1)
        assert await _try(gateway_house, "10.0.0.1", "maria") == 401
    for _ in range(12):
        await gateway_house.clock.advance(900)
        assert await _try(gateway_house, "10.0.0.1", "maria") == 401


async def test_a_hundred_guesses_at_once_are_not_a_hundred(gateway_house: House) -> None:
    """Attempts are counted before the password is looked at."""
    await gateway_house.person("maria")
    codes = await asyncio.gather(*(_try(gateway_house, "10.0.0.1", "maria") for _ in range(30)))
    assert sorted(codes) == [401] * 5 + [429] * 25


async def test_guesses_from_everywhere_do_not_lock_the_owner_out(gateway_house: House) -> None:
    """From where the owner logged in before, they still can, at once."""
    await gateway_house.person("maria")
    assert await _try(gateway_house, "192.0.2.7", "maria", PASSWORD) == 200
    for n in range(60):
        await _try(gateway_house, f"10.0.0.{n}", "maria")
    assert await _try(gateway_house, "10.0.1.1", "maria", PASSWORD) == 429
    assert await _try(gateway_house, "192.0.2.7", "maria", PASSWORD) == 200


async def test_a_botnet_gets_one_bucket_for_one_account(gateway_house: House) -> None:
    """A thousand addresses guess no faster than one."""
    await gateway_house.person("maria")
    codes = [await _try(gateway_house, f"10.0.0.{n}", "maria") for n in range(40)]
    assert codes.count(401) == 5


async def test_one_address_cannot_try_every_account(gateway_house: House) -> None:
    """After twenty failures over all names an address waits; others do not."""
    codes = [await _try(gateway_house, "10.0.0.1", f"person{n}") for n in range(25)]
    assert codes == [401] * 20 + [429] * 5
    assert await _try(gateway_house, "10.0.0.2", "person99") == 401


async def test_ones_own_login_does_not_wash_guesses_at_others(gateway_house: House) -> None:
    """A resident who guesses and logs in by turns still runs into the address's limit."""
    await gateway_house.person("mallory")
    codes = []
    for n in range(40):
        codes.append(await _try(gateway_house, "10.0.0.1", f"person{n}"))
        if await _try(gateway_house, "10.0.0.1", "mallory", PASSWORD) == 429:
            break
    assert codes.count(401) <= backoff.FREE_FOR_AN_ADDRESS


async def test_names_that_do_not_exist_are_slowed_down_alike(gateway_house: House) -> None:
    """The answers tell nobody which names there are."""
    await gateway_house.person("maria")
    real = [await _try(gateway_house, f"10.0.0.{n}", "maria") for n in range(8)]
    unreal = [await _try(gateway_house, f"10.0.1.{n}", "nobody") for n in range(8)]
    assert real == unreal


async def test_a_name_that_does_not_exist_costs_a_password_check_too(
    gateway_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the time of the answer tells nothing either."""
    await gateway_house.person("maria")
    checked: list[str] = []
    passwords = gateway_house.gateway.access._passwords
    verify = passwords._verify

    def spy(stored: str, password: str) -> bool:
        checked.append(stored.split("$")[3])
        return verify(stored, password)

    monkeypatch.setattr(passwords, "_verify", spy)
    for name in ("maria", "nobody"):
        await _try(gateway_house, "10.0.0.1", name)
    assert len(checked) == 2 and checked[0] == checked[1], "one check each, at the same cost"


async def test_failures_are_forgotten_after_a_day(gateway_house: House) -> None:
    """Their rows go too, so that guesses do not fill the disk."""
    for n in range(5):
        await _try(gateway_house, "10.0.0.1", f"person{n}")
    await gateway_house.clock.advance(86_400)
    assert await _try(gateway_house, "10.0.0.1", "person0") == 401
    count = select(func.count()).select_from(FAILURE)
    assert await gateway_house.gateway.database.read(lambda c: c.scalar(count)) == 2


async def test_a_crowd_at_the_door_is_told_to_come_back(gateway_house: House) -> None:
    """More password checks at once than there are seats are refused, not queued without end."""
    codes = await asyncio.gather(*(_try(gateway_house, f"10.{n}.0.1", f"person{n}") for n in range(120)))
    assert set(codes) == {401, 429}


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("local", "unknown"),
    ],
)
def test_a_household_is_one_place(address: str, place: str) -> None:
    """A network of 64 bits has one owner; an IPv4 address written as IPv6 is the same address."""
    assert backoff.place(address) == place
