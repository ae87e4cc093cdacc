"""What a dishonest condominium, or all the others together, cannot do on a real network.

The attacker holds everything that its party holds: its peer, its chaincode server, its keys, and a client
that asks only accomplices for endorsements and submits what an honest client would throw away.
"""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Iterator

import pytest
from cryptography import x509

from chaincode.condominium import namespace_of
from chaincode.errors import NotAuthorised
from network.fabric import FabricLedger, Timeouts
from network.fabric.gateway import Gateway
from network.federation import lifecycle
from network.federation.administration import own_peer
from network.federation.description import CHANNEL
from network.federation.lifecycle import Definition
from network.federation.package import Rules, make_package
from network.identity import Identity
from network.ledger import (
    ENDORSEMENT_POLICY_FAILURE,
    CommitError,
    CommitStatus,
    EndorseError,
    EvaluateError,
)
from tests.conformance.conftest import authority
from tests.federation import RULES, Network

pytestmark = [pytest.mark.fabric, pytest.mark.slow]

HONEST = "aurora"
COLLUDING = ("boreal", "cedar", "dune")
IMPATIENT = Timeouts(endorse=5.0)
"""Peers that disagree are asked again for a while, for one might only lag behind."""
Ledgers = dict[str, FabricLedger]


@pytest.fixture(scope="module")
def forgers(federation: Network) -> Iterator[tuple[str, ...]]:
    """All but one run forged rules, which do more than the true ones; put right afterwards."""

    async def run(dispatch: str) -> None:
        await asyncio.gather(*(federation.run_rules(code, dispatch) for code in COLLUDING))

    asyncio.run(run("tests.forged:dispatch"))
    yield COLLUDING
    asyncio.run(run(RULES.dispatch))


async def force(
    ledger: FabricLedger, namespace: str, accomplices: tuple[str, ...], function: str, *arguments: str
) -> CommitStatus:
    """Have only `accomplices` endorse, submit whatever comes of it, and see what the peers make of it."""
    gateway = ledger.gateway
    parts = [function.encode(), *(argument.encode() for argument in arguments)]
    proposal = gateway.propose(namespace, parts)
    organisations = [f"{code}MSP" for code in accomplices]
    envelope, result = await gateway.endorse(proposal, organisations)
    assert result == b"forged"
    await gateway.hand_over(proposal.transaction_id, envelope)
    return await gateway.commit_status(proposal.transaction_id)


async def value(ledger: FabricLedger, namespace: str, key: str) -> str | None:
    """What honest peers hold at `key`."""
    found: str | None = json.loads(await ledger.evaluate(namespace, "get", [key.encode()]))
    return found


async def test_altered_rules_get_no_honest_endorsement(
    federation: Network, forgers: tuple[str, ...], ledgers: Ledgers, name: str
) -> None:
    """A condominium that alters its own chaincode cannot change even its own records alone."""
    own = namespace_of("dune")
    status = await force(ledgers["dune"], own, ("dune",), "forge", name, "mine")
    assert status.validation == ENDORSEMENT_POLICY_FAILURE
    identity, peers = federation.folders["dune"].identity("gateway"), federation.peers("dune")
    impatient = Gateway(identity, CHANNEL, peers, timeouts=IMPATIENT)
    with pytest.raises(EndorseError):
        await impatient.submit(own, [b"forge", name.encode(), b"mine"], ["duneMSP", "auroraMSP"])
    await impatient.close()
    assert await value(ledgers[HONEST], own, name) is None


@pytest.mark.parametrize("route", ["direct", "nested"])
async def test_all_others_together_cannot_write_ones_records(
    route: str, forgers: tuple[str, ...], ledgers: Ledgers, name: str
) -> None:
    """Three of four collude to make a new key and to change an old one of the fourth: invalid."""
    victim = namespace_of(HONEST)
    await ledgers[HONEST].submit(victim, "put", [name.encode(), b"honest"])
    for key in (name, f"{name} new"):
        if route == "direct":
            status = await force(ledgers["dune"], victim, forgers, "forge", key, "stolen")
        else:
            own = namespace_of("dune")
            status = await force(ledgers["dune"], own, forgers, "forge_at", victim, key, "stolen")
        assert status.validation == ENDORSEMENT_POLICY_FAILURE
    assert await value(ledgers[HONEST], victim, name) == "honest"
    assert await value(ledgers[HONEST], victim, f"{name} new") is None


async def test_all_others_together_cannot_replace_ones_rules(federation: Network) -> None:
    """Without the owner's approval no other definition of its namespace is committed, majority or not."""
    namespace = namespace_of(HONEST)
    altered = Rules("666", RULES.dispatch)
    folders = [federation.folders[code] for code in COLLUDING]
    gateways = [
        Gateway(folder.admin(), CHANNEL, [own_peer(folder)], timeouts=IMPATIENT) for folder in folders
    ]
    now = await lifecycle.committed(gateways[0], namespace)
    assert now is not None
    definition = Definition(namespace, altered.version, now.sequence + 1)
    for gateway in gateways:
        await lifecycle.install(gateway, make_package(namespace, altered))
        await lifecycle.approve(gateway, definition, make_package(namespace, altered))
    with pytest.raises(EndorseError, match="not agreed to by this org"):
        await lifecycle.commit(gateways[0], definition, [f"{code}MSP" for code in (*COLLUDING, HONEST)])
    with pytest.raises(CommitError) as caught:
        await lifecycle.commit(gateways[0], definition, [f"{code}MSP" for code in COLLUDING])
    assert caught.value.validation == ENDORSEMENT_POLICY_FAILURE
    assert await lifecycle.committed(gateways[0], namespace) == now
    for gateway in gateways:
        await gateway.close()


async def refused(federation: Network, identity: Identity) -> None:
    """The network takes neither queries nor transactions from `identity`."""
    ledger = FabricLedger(
        identity, CHANNEL, federation.peers("cedar"), timeouts=Timeouts(evaluate=3.0, endorse=3.0)
    )
    try:
        with pytest.raises(EvaluateError, match=r"access denied|expired|MSP|identity"):
            await ledger.evaluate(namespace_of(HONEST), "get", [b"key"])
        with pytest.raises(EndorseError, match=r"access denied|expired|MSP|identity"):
            await ledger.submit(namespace_of(HONEST), "put", [b"key", b"value"])
    finally:
        await ledger.close()


async def test_nobody_signs_for_another_condominium(federation: Network) -> None:
    """A gateway of one condominium that says it is another's is refused by its certificate."""
    own = federation.folders["dune"].identity("gateway")
    key = own._key  # the attacker has its own key, of course
    await refused(federation, Identity("auroraMSP", own.certificate, key))


async def test_an_expired_certificate_is_refused(federation: Network) -> None:
    """Who signs with a certificate past its end is refused."""
    ours = authority(federation.folders["dune"])
    start = x509.load_pem_x509_certificate(ours.root).not_valid_before_utc
    await refused(federation, ours.issue("late", "gateway", start, datetime.timedelta(seconds=30)))


async def test_a_gateway_cannot_act_for_another_condominium(federation: Network, ledgers: Ledgers) -> None:
    """A genuine gateway of one condominium may not register another: the rules say so on every peer."""
    request = {
        "code": HONEST,
        "name": "Ours now",
        "currency": "EUR",
        "decimals": 2,
        "grace": 3600,
        "signing_key": "00" * 32,
    }
    with pytest.raises(NotAuthorised):
        await ledgers["dune"].submit(
            namespace_of(HONEST), "attack!condominium.register", [json.dumps(request).encode()]
        )
