"""Two condominiums' gateways, each a process, on one Fabric channel: residents at home and visiting."""

from __future__ import annotations

import base64
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from chaincode.condominium import namespace_of
from chaincode.fields import encode
from chaincode.signing import domain
from chaincode.signing.fabric.block import decode_block
from chaincode.signing.fabric.export import read_block
from chaincode.signing.intent import OpenIntent, StopIntent, new_nonce
from client.wallet.gateway import Gateway as Relay
from client.wallet.gateway import GatewayUnreachable
from client.wallet.key import SignedIntent, WalletKey
from gateway.app import Gateway
from gateway.command import rebuild
from gateway.configuration.secrets import Keys, SecretStore
from gateway.settings import load
from gateway.store.database import Database
from gateway.store.metadata import projections
from network.fabric import FabricLedger
from network.federation.description import CHANNEL
from network.ledger import VALID, Event
from tests.client.household import House, Person, charging, until
from tests.federation import Network, free_ports
from tests.gateway.house import CHEAP
from tests.gateway.mortal import MORTAL
from tests.gateway.process import Process, environment, serving

pytestmark = [pytest.mark.fabric, pytest.mark.slow]

HOST, HOME = "cedar", "dune"
_MORTAL = "tests.gateway.mortal:main"
_AMOUNT = 2_000
_SOLD = 5_000


@dataclass
class Building:
    """A condominium whose gateway is started, killed and started again at one address."""

    code: str
    directory: Path
    settings: dict[str, str]
    process: Process | None = None
    operator: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))
    _running: ExitStack = field(default_factory=ExitStack)

    @property
    def address(self) -> str:
        """Of REST."""
        return f"http://127.0.0.1:{self.settings['CONDOCHARGE_HTTP_PORT']}"

    @property
    def house(self) -> House:
        """The condominium as its operator sees it."""
        return House(self.address, self.operator)

    @property
    def order(self) -> Path:
        """Where it is told when to die (`tests.gateway.mortal`)."""
        return Path(self.settings[MORTAL])

    def start(self) -> Process:
        """Start the gateway's process; returns once it is ready."""
        self.process = self._running.enter_context(serving(self.directory, self.settings, _MORTAL))
        self.operator.base_url = httpx.URL(self.address)
        return self.process

    def stop(self) -> None:
        """Stop it cleanly, or bury it where it is dead."""
        if self.process is not None:
            self.process.stop()
        self._running.close()
        self.process = None

    def die_at(self, function: str, phase: str) -> None:
        """Let it be killed at that phase of the next transaction that calls `function`."""
        self.order.write_text(f"{function} {phase}")

    def revive(self) -> None:
        """Wait until it has been killed, and start it again."""
        assert self.process is not None
        assert self.process.wait(120) < 0
        assert not self.order.exists()
        self.stop()
        self.start()


@contextmanager
def building(federation: Network, folder: Path, code: str) -> Iterator[Building]:
    """A condominium with a group, a tariff and a unit."""
    settings = {
        "CONDOCHARGE_CONDOMINIUM_CODE": code,
        "CONDOCHARGE_CONDOMINIUM_NAME": code.capitalize(),
        "CONDOCHARGE_CONDOMINIUM_CURRENCY": "EUR",
        "CONDOCHARGE_LEDGER_KIND": "fabric",
        "CONDOCHARGE_LEDGER_FOLDER": str(federation.folders[code].path),
        "CONDOCHARGE_HTTP_PORT": str(free_ports(1)),
        MORTAL: str(folder / f"{code}-dies"),
    }
    made = Building(code, folder / code, settings)
    try:
        made.house.furnish(made.start().invitation)
        yield made
    finally:
        made.stop()
        made.operator.close()


@pytest.fixture(scope="module")
def buildings(
    federation: Network, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Building, Building]]:
    """The host, whose unit speaks HTTP, and the visitor's home, whose unit speaks gRPC."""
    folder = tmp_path_factory.mktemp("gateways")
    with building(federation, folder, HOST) as host, building(federation, folder, HOME) as home:
        assert home.process is not None
        with charging(host.house), charging(home.house, home.process.machines):
            yield host, home


@pytest.fixture
async def ledger(federation: Network) -> AsyncIterator[FabricLedger]:
    """The channel as the visitor's home sees it."""
    opened = FabricLedger(federation.folders[HOME].identity("gateway"), CHANNEL, federation.peers(HOME))
    yield opened
    await opened.close()


def person(home: Building, folder: Path, name: str) -> Person:
    """A resident with a wallet of 50.00."""
    resident = Person(folder / name, home.address)
    resident.json("wallet", "create", name)
    reference = resident.json("buy", "50")["reference"]
    home.house.post(f"/v1/purchases/{reference}/payment")
    return resident


def charge(resident: Person, place: Building) -> dict[str, Any]:
    """A session at a condominium, from its intent to its end; returns what it was."""
    there = ("--gateway", place.address)
    session = resident.json("open", "7", "--lock", "20", "--hours", "1", "--at", place.code, "--yes", *there)[
        "session"
    ]
    until(lambda: place.operator.get(f"/v1/sessions/{session}").json()["energy"] > 0)
    resident.json("stop", session, *there)
    watched = resident.run("watch", session, "--json", *there)
    assert watched.returncode == 0, watched.stderr
    ended: dict[str, Any] = json.loads(watched.stdout.splitlines()[-1])
    assert ended["state"] == "settled"
    assert ended["cost"] + ended["refund"] == _AMOUNT
    return ended


async def claims(ledger: FabricLedger, of: str, on: str) -> list[dict[str, Any]]:
    """The open claims between two condominiums, as `of` has them."""
    answer = json.loads(await ledger.evaluate(namespace_of(of), "claim.open", [encode({"counterparty": on})]))
    found: list[dict[str, Any]] = answer["claims"]
    return found


async def written(ledger: FabricLedger, session: str) -> dict[str, set[str]]:
    """By function, the namespaces that a session's valid transactions wrote."""
    found = {}
    for number in range(await ledger.height()):
        for transaction in (await ledger.block(number)).transactions:
            event = transaction.event
            if transaction.validation == VALID and event and session.encode() in event[1]:
                assert transaction.function not in found, "a step of the session is on the ledger twice"
                sets = transaction.read_write_sets
                found[transaction.function] = {each.namespace for each in sets if each.writes}
    return found


async def signing_key(place: Building) -> bytes:
    """The condominium's key for commands and clearings, from its gateway's own store."""
    database = await Database.open(f"sqlite:///{place.directory / 'gateway.sqlite'}")
    try:
        keys = await Keys.open(await SecretStore.open(database, place.directory / "secrets.key"))
        return keys.signing_key()
    finally:
        await database.close()


async def test_a_resident_charges_at_home(buildings: tuple[Building, Building], tmp_path: Path) -> None:
    """On Fabric as on the embedded ledger, with a unit that speaks gRPC."""
    _, home = buildings
    rui = person(home, tmp_path, "rui")
    ended = charge(rui, home)
    assert rui.json("wallet", "statement")["balance"] == _SOLD - ended["cost"]


def check_receipt(
    maria: Person, session: str, places: Sequence[Building], federation: Network, folder: Path
) -> None:
    """Each condominium's peer signs its own; under all members' roots it takes two of them."""
    roots = {code: str(each.path / "ca/root.pem") for code, each in federation.folders.items()}
    everybody = [word for root in roots.values() for word in ("--root", root)]
    files = {place.code: str(folder / f"{place.code}.json") for place in places}
    for place in places:
        file = files[place.code]
        there = ("--gateway", place.address, "--root", roots[place.code])
        proven = maria.json("receipt", "save", session, "--output", file, *there)
        assert proven["session"]["state"] == "settled"
        assert proven["witnesses"] == [place.code]
        assert maria.run("receipt", "verify", file, *everybody).returncode == 4
        wrong = maria.run("receipt", "verify", file, "--root", roots["aurora"])
        assert wrong.returncode == 4
    one, other = files.values()
    both = maria.json("receipt", "verify", one, "--with", other, *everybody)
    assert both["witnesses"] == sorted(files)


async def test_a_visitor_pays_with_tokens_from_home(
    buildings: tuple[Building, Building], federation: Network, ledger: FabricLedger, tmp_path: Path
) -> None:
    """One transaction writes both namespaces; the refund is at home, the claim in both until it is netted."""
    host, home = buildings
    maria = person(home, tmp_path, "maria")
    before = home.operator.get("/v1/supply").json()["income"]
    ended = charge(maria, host)
    session, cost = ended["session"], ended["cost"]

    both = {namespace_of(HOST), namespace_of(HOME)}
    steps = await written(ledger, session)
    assert steps["session.open"] == both
    assert steps["session.settle"] == both
    assert steps["session.start"] == {namespace_of(HOST)}
    until(lambda: maria.json("wallet", "statement")["balance"] == _SOLD - cost)
    statement = maria.json("wallet", "statement")
    assert [row["kind"] for row in statement["rows"]] == ["settlement", "escrow", "purchase"]
    assert statement["escrow"] == 0
    assert home.operator.get("/v1/supply").json()["income"] == before + cost
    assert set(host.operator.get("/v1/supply").json().values()) == {0}

    check_receipt(maria, session, (host, home), federation, tmp_path)

    (due,) = await claims(ledger, HOST, HOME)
    (owed,) = await claims(ledger, HOME, HOST)
    assert (due["direction"], owed["direction"]) == ("receivable", "payable")
    assert due["session"] == owed["session"] == session
    assert due["amount"] == owed["amount"] == cost
    members = {
        "version": 1,
        "network": CHANNEL,
        "first": HOME,
        "second": HOST,
        "first_owes": cost,
        "second_owes": 0,
        "claims": [session],
        "payment": "transfer-1",
    }
    body = json.dumps(members).encode()
    keys = [await signing_key(each) for each in (home, host)]
    signatures = [domain.sign(key, domain.CLEARING, body) for key in keys]
    await ledger.submit(namespace_of(HOME), "claim.clear", [body, *signatures])
    assert await claims(ledger, HOST, HOME) == await claims(ledger, HOME, HOST) == []


def test_the_whole_channel_is_exported(buildings: tuple[Building, Building], tmp_path: Path) -> None:
    """One block a line, from the first to the last that there was when it was asked."""
    host, _ = buildings
    file = tmp_path / "channel.ndjson"
    height = host.operator.get("/v1/ledger").json()["height"]
    auditor = Person(tmp_path / "auditor", host.address)
    exported = auditor.json("audit", "export", str(file), "--gateway", host.address)
    blocks = [decode_block(read_block(line)) for line in file.read_bytes().splitlines()]
    assert exported["blocks"] == len(blocks) >= height
    assert [block.previous_hash for block in blocks[1:]] == [block.hash for block in blocks[:-1]]


def tables(place: Building) -> dict[str, list[Any]]:
    """All that a gateway has of the ledger in its database."""
    with closing(sqlite3.connect(place.directory / "gateway.sqlite")) as database:
        return {
            table.name: sorted(database.execute(f"SELECT * FROM {table.name}"), key=repr)
            for table in projections()
        }


async def test_a_gateway_goes_on_from_the_last_block_that_it_saw(
    buildings: tuple[Building, Building], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped while the others go on, it asks for the blocks that it has not had."""
    host, home = buildings
    wallet = WalletKey.generate().wallet.hex()
    host.stop()
    (_, seen, _) = tables(host)["ledger_cursor"][0]
    home.house.post("/v1/purchases", {"reference": "while-away", "wallet": wallet, "amount": 7})
    asked: list[int] = []
    events = FabricLedger.events

    def watched(ledger: FabricLedger, start_block: int) -> AsyncIterator[Event]:
        asked.append(start_block)
        return events(ledger, start_block)

    monkeypatch.setattr(FabricLedger, "events", watched)
    try:
        async with await Gateway.open(
            load(None, environment(host.directory, host.settings)), hasher=CHEAP
        ) as it:
            await it.start()
            assert asked == [seen]
            assert seen > 0
        assert any(wallet in row for row in tables(host)["ledger_statement"])
    finally:
        host.start()


def test_projections_made_anew_are_the_same(buildings: tuple[Building, Building]) -> None:
    """Dropped and filled again from the chain, every table has the rows that it had."""
    host, _ = buildings
    host.stop()
    before = tables(host)
    assert before["ledger_statement"]
    assert before["ledger_claim"]
    result = CliRunner().invoke(rebuild, env=environment(host.directory, host.settings))
    assert result.exit_code == 0, result.output
    after = tables(host)
    host.start()
    assert after == before


@pytest.mark.parametrize("phase", ["submit", "commit"])
async def test_a_gateway_killed_in_mid_transaction_does_it_once(
    buildings: tuple[Building, Building], ledger: FabricLedger, phase: str
) -> None:
    """Killed when purchase, opening, start and settlement were endorsed, or handed to the orderers."""
    host, home = buildings
    key = WalletKey.generate()
    wallet = key.wallet.hex()
    sale = {"reference": f"killed-at-{phase}", "wallet": wallet, "amount": _SOLD}

    home.die_at("token.issue", phase)
    with pytest.raises(httpx.HTTPError):
        home.operator.post("/v1/purchases", json=sale)
    home.revive()
    home.house.post("/v1/purchases", sale)

    common: Any = {"network": CHANNEL, "wallet": wallet, "expires": int(time.time()) + 600}
    opening = key.sign(
        OpenIntent(
            **common,
            nonce=new_nonce(),
            condominium=HOST,
            unit=7,
            tariff=1,
            issuer=HOME,
            amount=_SOLD,
            duration=3_600,
        )
    )
    host.die_at("session.open", phase)
    _send(host, opening)
    host.revive()
    host.die_at("session.start", phase)
    # The same intent again: the ledger does it once, whether or not it had it before. Where it had, the
    # gateway takes the session up by itself, and may be dead of it before it is asked.
    with Relay(host.address, network=CHANNEL, key=key) as relay, suppress(GatewayUnreachable):
        relay.submit(opening)
    host.revive()
    with Relay(host.address, network=CHANNEL, key=key) as relay:
        relay.submit(opening)

    def shown() -> dict[str, Any]:
        answer: dict[str, Any] = host.operator.get(f"/v1/sessions/{opening.id}").json()
        return answer

    until(lambda: shown().get("energy", 0) > 0)
    host.die_at("session.settle", phase)
    stop = key.sign(StopIntent(**common, nonce=new_nonce(), session=opening.id))
    # On a slow machine the money may be used up first, and the gateway dies of that settlement.
    with Relay(host.address, network=CHANNEL, key=key) as relay, suppress(GatewayUnreachable):
        relay.submit(stop)
    host.revive()
    until(lambda: shown()["state"] == "settled")

    steps = await written(ledger, opening.id)
    assert steps.keys() - {"session.stop"} == {"session.open", "session.start", "session.settle"}
    cost = shown()["cost"]
    balance = await ledger.evaluate(namespace_of(HOME), "token.balance", [wallet.encode()])
    assert json.loads(balance)["amount"] == _SOLD - cost
    for of, on in ((HOST, HOME), (HOME, HOST)):
        (claim,) = [each for each in await claims(ledger, of, on) if each["session"] == opening.id]
        assert claim["amount"] == cost


def _send(place: Building, intent: SignedIntent) -> None:
    """Relay an intent to a gateway that does not live to answer."""
    members = {name: _base64url(getattr(intent, name)) for name in ("body", "signature")}
    with pytest.raises(httpx.HTTPError):
        httpx.post(f"{place.address}/v1/intents", json=members, timeout=60)


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
