"""What the peer refuses, whoever hands it a proposal, and what it proves."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from chaincode.signing.block import InclusionProof, ProofError, verify_proof
from chaincode.signing.certificate import parse
from chaincode.signing.transaction import VALIDATIONS, decode_proposal, encode_proposal
from network.authority import Authority
from network.embedded.errors import LedgerForeign
from network.embedded.peer import Peer
from network.embedded.proposal import Proposer, SignedProposal
from network.identity import Identity
from network.ledger import DUPLICATE_TXID, CommitError, EndorseError, EvaluateError
from network.organisation import Organisation
from tests import register
from tests.network.embedded.conftest import AURORA, CHANNEL, START, Site


async def open_peer(site: Site, organisations: list[Organisation] | None = None) -> Peer:
    return await Peer.open(
        site.path,
        channel=CHANNEL,
        signer=site.signer,
        organisations=organisations or site.organisations,
        dispatch=register.dispatch,
        now=site.now,
    )


@pytest.fixture
async def peer(site: Site) -> AsyncIterator[Peer]:
    """A peer on a new file."""
    opened = await open_peer(site)
    yield opened
    await opened.close()


def proposal(
    site: Site, identity: Identity | None = None, *, timestamp: int | None = None, channel: str = CHANNEL
) -> SignedProposal:
    """A signed proposal to add one to `a`."""
    return Proposer(identity or site.gateway, channel).propose(
        AURORA, "add", [b"a", b"1"], site.now if timestamp is None else timestamp, sign=True
    )


async def test_a_proposal_counts_once(peer: Peer, site: Site) -> None:
    """The same signed proposal again is a duplicate: in its block, in a later one, and after a restart."""
    signed = proposal(site)
    outcomes = await asyncio.gather(peer.submit(signed), peer.submit(signed), return_exceptions=True)
    assert isinstance(outcomes[1], CommitError)
    assert outcomes[1].validation == DUPLICATE_TXID
    with pytest.raises(CommitError, match=DUPLICATE_TXID):
        await peer.submit(signed)
    await peer.close()
    again = await open_peer(site)
    with pytest.raises(CommitError, match=DUPLICATE_TXID):
        await again.submit(SignedProposal.read(signed.payload, signed.signature))
    status = await again.commit_status(signed.transaction_id)
    assert (status.block, status.validation) == (0, "VALID")
    assert await again.evaluate(proposal(site)) == b"2"
    assert (await again.verify()).transactions == 4
    await again.close()


async def test_an_altered_proposal_is_refused(peer: Peer, site: Site) -> None:
    """Nobody can change what was signed, nor sign for another."""
    signed = proposal(site)
    more = encode_proposal(replace(signed.proposal, arguments=(b"a", b"1000")))
    stranger = proposal(site, site.visitor)
    for payload, signature in (
        (more, signed.signature),
        (signed.payload, stranger.signature),
        (signed.payload, b""),
        (signed.payload, b"rubbish"),
    ):
        with pytest.raises(EndorseError, match="signature"):
            await peer.submit(SignedProposal.read(payload, signature))
    assert peer.height() == 0


async def test_creators_that_are_not_accepted(site: Site, authorities: tuple[Authority, Authority]) -> None:
    """Strangers, the expired, the not yet valid, the revoked and those of another channel are refused."""
    aurora, _ = authorities
    organisation = Organisation(aurora.msp_id, aurora.root)
    peer = await open_peer(site, [organisation])
    impostor = Authority.create("aurora", START).issue("gateway", "gateway", START)
    revoked = aurora.issue("gateway", "gateway", START)
    short = aurora.issue("gateway", "gateway", START, datetime.timedelta(hours=1))
    cases = [
        (proposal(site, site.visitor), "borealMSP is no member"),
        (proposal(site, impostor), "not issued under the root"),
        (proposal(site, short), "has expired"),
        (proposal(site, timestamp=1), "not valid yet"),
        (proposal(site, channel="other"), "the channel other"),
    ]
    for signed, why in cases:
        with pytest.raises(EndorseError, match=why):
            await peer.submit(signed)
        with pytest.raises(EvaluateError, match=why):
            await peer.evaluate(signed)
    assert (await peer.submit(proposal(site, revoked))).block == 0
    organisation.revoke(parse(revoked.certificate).serial)
    with pytest.raises(EndorseError, match="revoked"):
        await peer.submit(proposal(site, revoked))
    await peer.close()


async def test_only_a_members_ledger_signs_blocks(
    site: Site, authorities: tuple[Authority, Authority]
) -> None:
    """An identity of another role, or of no member, cannot open a ledger."""
    site.signer = site.gateway
    with pytest.raises(LedgerForeign, match="role gateway"):
        await open_peer(site)
    site.signer = Authority.create("zephyr", START).issue("ledger", "ledger", START)
    with pytest.raises(LedgerForeign, match="zephyrMSP, is not among"):
        await open_peer(site)
    assert not site.path.exists()


@pytest.fixture
async def proof(peer: Peer, site: Site) -> InclusionProof:
    """The proof of one of five transactions in a block."""
    signed = [
        Proposer(site.gateway, CHANNEL).propose(AURORA, "add", [b"k%d" % i, b"1"], site.now, sign=True)
        for i in range(5)
    ]
    await asyncio.gather(*map(peer.submit, signed))
    assert peer.height() == 1
    return peer.prove(signed[3].transaction_id)


async def test_a_proof_needs_only_the_root(proof: InclusionProof, site: Site) -> None:
    """It survives JSON, and shows channel, block, place, proposal and outcome."""
    carried = InclusionProof.from_json(json.loads(json.dumps(proof.to_json())))
    assert carried == proof
    proven = verify_proof(carried, site.aurora.root, CHANNEL)
    assert (proven.header.channel, proven.header.number, proven.index) == (CHANNEL, 0, 3)
    assert VALIDATIONS[proven.record.validation] == "VALID"
    assert decode_proposal(proven.record.payload).arguments == (b"k3", b"1")


async def test_a_proof_that_proves_nothing(proof: InclusionProof, peer: Peer, site: Site) -> None:
    """Each broken link is named."""
    other = Authority.create("aurora", START)
    gateway_signed = replace(
        proof,
        certificate=site.gateway.certificate,
        signature=site.gateway.sign(b"condocharge/block/1\n" + proof.header),
    )
    cases = [
        (replace(proof, header=proof.header[:-1] + b"\7"), "signature does not verify"),
        (replace(proof, signature=proof.signature[:-1]), "signature does not verify"),
        (replace(proof, certificate=other.issue("ledger", "ledger").certificate), "not issued under"),
        (replace(proof, certificate=b"none"), "no X.509"),
        (gateway_signed, "role"),
        (replace(proof, transaction=proof.transaction[:-1]), "ends after"),
        (replace(proof, transaction=proof.transaction.replace(b"k3", b"k9")), "not at this place"),
        (replace(proof, index=2), "not at this place"),
        (replace(proof, path=proof.path[1:]), "not at this place"),
    ]
    for broken, why in cases:
        with pytest.raises(ProofError, match=why):
            verify_proof(broken, site.aurora.root, CHANNEL)
    with pytest.raises(ProofError, match="for the channel testing"):
        verify_proof(proof, site.aurora.root, "another")
    with pytest.raises(EvaluateError, match="no such transaction"):
        peer.prove("00" * 32)


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"index": "3"}, {"path": "x"}, {"header": "§"}, {"header": 7}]
)
async def test_a_proof_of_another_form(proof: InclusionProof, change: dict[str, object]) -> None:
    """Members that are missing or of another kind are refused."""
    with pytest.raises(ProofError):
        InclusionProof.from_json(proof.to_json() | change)
    for name in proof.to_json():
        with pytest.raises(ProofError):
            InclusionProof.from_json({k: v for k, v in proof.to_json().items() if k != name})
    with pytest.raises(ProofError):
        InclusionProof.from_json([])
