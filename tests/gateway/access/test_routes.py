"""Accounts over REST: logging in and out, invitations, and shutting people out."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from sqlalchemy import select

from gateway.access.records import ACCOUNT, INVITATION, SESSION
from tests.gateway.house import ORIGIN, PASSWORD, House


def _code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def test_the_first_start_invites_one_administrator(gateway_house: House) -> None:
    """There is no default password: the account has none until its invitation is accepted, once."""
    invited = await gateway_house.gateway.access.invite_first_admin()
    assert invited is not None
    async with gateway_house.client() as client:
        for password in ("", "admin", PASSWORD):
            response = await client.post("/v1/login", json={"username": "admin", "password": password})
            assert _code(response) == (401, "not-authenticated")
        body = {"token": invited.token, "password": PASSWORD}
        accepted = await client.post("/v1/invitations/accept", json=body)
        assert accepted.json()["role"] == "ADMIN"
        assert _code(await client.post("/v1/invitations/accept", json=body)) == (403, "not-authorised")
    assert await gateway_house.gateway.access.invite_first_admin() is None
    await gateway_house.login("admin")


async def test_a_restart_before_the_first_login_invites_anew(gateway_house: House) -> None:
    """The newest link works, the earlier one no longer does."""
    first = await gateway_house.gateway.access.invite_first_admin()
    second = await gateway_house.gateway.access.invite_first_admin()
    assert first is not None and second is not None
    async with gateway_house.client() as client:
        body = {"token": first.token, "password": PASSWORD}
        assert (await client.post("/v1/invitations/accept", json=body)).status_code == 403
    await gateway_house.accept(second.token)


async def test_an_invitation_expires(gateway_house: House) -> None:
    """After its hours it opens nothing."""
    invited = await gateway_house.gateway.access.invite_first_admin()
    assert invited is not None
    await gateway_house.clock.advance(72 * 3600)
    async with gateway_house.client() as client:
        body = {"token": invited.token, "password": PASSWORD}
        assert (await client.post("/v1/invitations/accept", json=body)).status_code == 403


async def test_one_invitation_accepted_twice_at_once_sets_one_password(gateway_house: House) -> None:
    """Two that hold the same link: one of them sets the password, and only that one works."""
    invited = await gateway_house.gateway.access.invite_first_admin()
    assert invited is not None
    async with gateway_house.client() as client:
        passwords = [f"{PASSWORD} {n}" for n in range(4)]
        answers = await asyncio.gather(
            *(
                client.post("/v1/invitations/accept", json={"token": invited.token, "password": each})
                for each in passwords
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]
        right = passwords[[answer.status_code for answer in answers].index(200)]
        for password in passwords:
            body = {"username": "admin", "password": password}
            assert (await client.post("/v1/login", json=body)).is_success == (password == right)


async def test_weak_passwords_are_refused(gateway_house: House) -> None:
    """The rule is named, the password is not, and the invitation still works."""
    invited = await gateway_house.gateway.access.invite_first_admin()
    assert invited is not None
    weak = {
        "short": "12 to 256",
        "x" * 257: "256",
        "aaaaaaaaaaaaaaa": "different characters",
        "my-ADMIN-password": "user name",
    }
    async with gateway_house.client() as client:
        for password, rule in weak.items():
            body = {"token": invited.token, "password": password}
            response = await client.post("/v1/invitations/accept", json=body)
            assert _code(response) == (422, "invalid-argument")
            assert rule in response.text and password not in response.text
    await gateway_house.accept(invited.token)


async def test_a_session_is_a_bearer_token_for_scripts(gateway_house: House) -> None:
    """It opens one's own account; logging out ends it, and only it."""
    await gateway_house.caller("ADMIN")
    first, second = await gateway_house.login("admin"), await gateway_house.login("admin")
    async with gateway_house.client(first) as script, gateway_house.client(second) as other:
        own = (await script.get("/v1/account")).json()
        assert own["account"]["username"] == "admin" and own["csrf"] is None
        assert (await script.post("/v1/logout")).status_code == 204
        assert _code(await script.get("/v1/account")) == (401, "not-authenticated")
        assert (await other.get("/v1/account")).status_code == 200


async def test_no_secret_is_in_the_database_as_it_is(gateway_house: House) -> None:
    """Neither session tokens nor invitations nor passwords can be read from a copy of the database."""
    await gateway_house.person("maria")
    token = await gateway_house.login("maria")
    async with await gateway_house.caller("ADMIN") as admin:
        invited = (await admin.post("/v1/accounts/2/invitation")).json()
    tables = (ACCOUNT, SESSION, INVITATION)
    rows = [
        await gateway_house.gateway.database.read(lambda c, t=table: c.execute(select(t)).all())  # type: ignore[misc]
        for table in tables
    ]
    assert all(rows)
    for secret in (PASSWORD, token, invited["token"]):
        assert secret not in repr(rows)
    assert "$argon2id$" in repr(rows)


@pytest.mark.parametrize(
    "change",
    [{"locked": True}, {"enabled": False}, {"expires": 0}, {"role": "AUDITOR"}],
    ids=lambda change: next(iter(change)),
)
async def test_shutting_an_account_out_ends_its_sessions_at_once(
    gateway_house: House, change: dict[str, object]
) -> None:
    """The very next request is refused, and undoing it brings no session back."""
    number = await gateway_house.person("maria")
    token = await gateway_house.login("maria")
    async with gateway_house.client(token) as maria, await gateway_house.caller("ADMIN") as admin:
        assert (await maria.get("/v1/account")).status_code == 200
        assert (await admin.patch(f"/v1/accounts/{number}", json=change)).status_code == 200
        assert _code(await maria.get("/v1/account")) == (401, "not-authenticated")
        undo = {"locked": False, "enabled": True, "expires": None, "role": "USER"}
        assert (await admin.patch(f"/v1/accounts/{number}", json=undo)).status_code == 200
        assert (await maria.get("/v1/account")).status_code == 401
    await gateway_house.login("maria")


async def test_a_shut_out_account_cannot_log_in(gateway_house: House) -> None:
    """The answer is the one that a wrong password gets."""
    number = await gateway_house.person("maria")
    async with await gateway_house.caller("ADMIN") as admin, gateway_house.client() as nobody:
        wrong = await nobody.post("/v1/login", json={"username": "maria", "password": PASSWORD + "x"})
        for change in ({"locked": True}, {"enabled": False}, {"expires": 0}):
            usable = {"locked": False, "enabled": True, "expires": None}
            assert (await admin.patch(f"/v1/accounts/{number}", json=usable | change)).status_code == 200
            right = await nobody.post("/v1/login", json={"username": "maria", "password": PASSWORD})
            assert _code(right) == (401, "not-authenticated"), change
            assert right.json() == wrong.json()


async def test_an_account_expires_while_its_session_is_open(gateway_house: House) -> None:
    """Its time is looked at with every request."""
    number = await gateway_house.person("maria")
    token = await gateway_house.login("maria")
    async with gateway_house.client(token) as maria, await gateway_house.caller("ADMIN") as admin:
        until = gateway_house.clock.now() + 60_000
        await admin.patch(f"/v1/accounts/{number}", json={"expires": until})
        assert (await maria.get("/v1/account")).status_code == 200
        await gateway_house.clock.advance(60)
        assert (await maria.get("/v1/account")).status_code == 401
        shown = (await admin.get(f"/v1/accounts/{number}")).json()
    assert (shown["expired"], shown["enabled"], shown["locked"]) == (True, True, False)


async def test_sessions_end_when_idle_and_after_their_hours(gateway_house: House) -> None:
    """Use keeps a session open, but not beyond its longest life."""
    await gateway_house.caller("ADMIN")
    idle, used = await gateway_house.login("admin"), await gateway_house.login("admin")
    async with gateway_house.client(idle) as one, gateway_house.client(used) as two:
        for minutes in range(50, 12 * 60, 50):
            await gateway_house.clock.advance(50 * 60)
            assert (await two.get("/v1/account")).status_code == 200, minutes
        assert (await one.get("/v1/account")).status_code == 401
        await gateway_house.clock.advance(50 * 60)
        assert (await two.get("/v1/account")).status_code == 401


async def test_changing_ones_password_ends_other_sessions(gateway_house: House) -> None:
    """The session that changed it goes on; the old password opens nothing."""
    await gateway_house.person("maria")
    here, elsewhere = await gateway_house.login("maria"), await gateway_house.login("maria")
    async with gateway_house.client(here) as maria, gateway_house.client(elsewhere) as other:
        wrong = {"current": "not the password", "password": "another long one"}
        assert _code(await maria.put("/v1/account/password", json=wrong)) == (403, "not-authorised")
        right = {"current": PASSWORD, "password": "another long one"}
        assert (await maria.put("/v1/account/password", json=right)).status_code == 204
        assert (await maria.get("/v1/account")).status_code == 200
        assert (await other.get("/v1/account")).status_code == 401
    await gateway_house.login("maria", "another long one")


async def test_a_stolen_session_cannot_guess_the_password(gateway_house: House) -> None:
    """Wrong present passwords are slowed down as logins are."""
    await gateway_house.person("maria")
    async with gateway_house.client(await gateway_house.login("maria")) as thief:
        body = {"current": "a guess at it", "password": "another long one"}
        codes = [(await thief.put("/v1/account/password", json=body)).status_code for _ in range(7)]
        assert codes == [403] * 5 + [429] * 2
        body["current"] = PASSWORD
        assert (await thief.put("/v1/account/password", json=body)).status_code == 429


async def test_one_sees_and_ends_ones_own_sessions_alone(gateway_house: House) -> None:
    """Another's session cannot be ended by its id."""
    await gateway_house.person("maria")
    await gateway_house.person("jorge")
    maria, jorge = await gateway_house.login("maria"), await gateway_house.login("jorge")
    async with gateway_house.client(maria) as one, gateway_house.client(jorge) as two:
        (mine,) = (await one.get("/v1/account/sessions")).json()["sessions"]
        assert (await two.delete(f"/v1/account/sessions/{mine['id']}")).status_code == 404
        assert (await one.delete(f"/v1/account/sessions/{mine['id']}")).status_code == 204
        assert (await one.get("/v1/account")).status_code == 401
        assert (await two.get("/v1/account")).status_code == 200


async def test_accounts_are_listed_by_page(gateway_house: House) -> None:
    """An ADMIN sees all, an OPERATOR residents alone."""
    for name in ("ana", "bela", "carla"):
        await gateway_house.person(name)
    async with (
        await gateway_house.caller("OPERATOR") as operator,
        await gateway_house.caller("ADMIN") as admin,
    ):
        first = (await operator.get("/v1/accounts", params={"limit": 2})).json()
        second = (await operator.get("/v1/accounts", params={"limit": 2, "after": first["next"]})).json()
        everybody = (await admin.get("/v1/accounts")).json()
        admin_number = everybody["accounts"][0]["id"]
        assert _code(await operator.get(f"/v1/accounts/{admin_number}")) == (403, "not-authorised")
    assert [a["username"] for a in (*first["accounts"], *second["accounts"])] == ["ana", "bela", "carla"]
    assert second["next"] is None
    assert {a["username"] for a in everybody["accounts"]} == {"admin", "operator", "ana", "bela", "carla"}
    assert not any("password" in a for a in everybody["accounts"])


async def test_a_user_name_is_taken_once(gateway_house: House) -> None:
    """The second account of a name is a conflict and makes no invitation."""
    await gateway_house.person("maria")
    async with await gateway_house.caller("ADMIN") as admin:
        body = {"username": "maria", "name": "Another Maria", "role": "USER"}
        assert _code(await admin.post("/v1/accounts", json=body)) == (409, "state-conflict")


async def test_a_browser_gets_a_cookie_that_its_scripts_cannot_read(gateway_house: House) -> None:
    """The token is not in the body; the cookie is HttpOnly and SameSite=Strict; logging out removes it."""
    await gateway_house.person("maria")
    async with gateway_house.client(origin=ORIGIN) as browser:
        body = {"username": "maria", "password": PASSWORD, "cookie": True}
        response = await browser.post("/v1/login", json=body)
        cookie = response.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/" in cookie
        assert response.json()["token"] is None
        own = (await browser.get("/v1/account")).json()
        assert own["csrf"] == response.json()["csrf"]
        out = await browser.post("/v1/logout", headers={"x-csrf-token": own["csrf"]})
        assert out.status_code == 204 and "Max-Age=0" in out.headers["set-cookie"]
        assert (await browser.get("/v1/account")).status_code == 401
