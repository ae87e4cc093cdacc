"""Auditing a Fabric channel: an honest one verifies; one that its members made up together does not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest
from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2, policies_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.msp import msp_config_pb2, msp_principal_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_configuration_pb2

from chaincode.signing.fabric.export import export_block
from chaincode.signing.transaction import TransactionRecord, decode_transaction, encode_proposal
from client.auditor.channel import ChannelAudit
from client.auditor.errors import LedgerWrong
from client.auditor.report import LedgerReport
from network.authority import Authority
from network.fabric.proposal import channel_header, envelope
from network.identity import Identity
from tests.chaincode.world import PartyWallet
from tests.client.auditor.channel import Change, Channel, peer_of
from tests.client.residence import CHANNEL, START, opened, registered

CODES = ("aurora", "boreal", "cedar", "dune")
MVCC_READ_CONFLICT, POLICY_FAILURE, DUPLICATE = b"\x0b", b"\x0a", b"\x09"


@dataclass
class Chain:
    """A channel of four condominiums with one settled session, and how to go on with it."""

    channel: Channel
    records: list[TransactionRecord]
    authorities: dict[str, Authority]

    @property
    def root(self) -> bytes:
        """The first condominium's."""
        return self.authorities["aurora"].root

    def up_to(self, number: int, *, peers: int = 4, orderers: int = 4) -> Channel:
        """The channel before a block, which so many peers endorse and so many orderers sign."""
        whole = self.channel
        signing = dict(list(whole.orderers.items())[:orderers])
        return Channel(whole.clients, whole.peers[:peers], signing, blocks=whole.blocks[:number])

    @property
    def last(self) -> int:
        """The number of the last block, which holds the settlement."""
        return len(self.channel.blocks) - 1


def _group(authority: Authority) -> configtx_pb2.ConfigGroup:
    msp = msp_config_pb2.FabricMSPConfig(name=authority.msp_id, root_certs=[authority.root])
    group = configtx_pb2.ConfigGroup()
    group.values["MSP"].value = msp_config_pb2.MSPConfig(config=msp.SerializeToString()).SerializeToString()
    return group


def _policy(owner: str) -> bytes:
    """The owner's peer and any one other member's."""
    codes = [owner, *(code for code in CODES if code != owner)]
    identities = [
        msp_principal_pb2.MSPPrincipal(
            principal=msp_principal_pb2.MSPRole(
                msp_identifier=f"{code}MSP", role=msp_principal_pb2.MSPRole.PEER
            ).SerializeToString()
        )
        for code in codes
    ]
    signed = [policies_pb2.SignaturePolicy(signed_by=index) for index in range(len(codes))]
    other = policies_pb2.SignaturePolicy(n_out_of=policies_pb2.SignaturePolicy.NOutOf(n=1, rules=signed[1:]))
    both = policies_pb2.SignaturePolicy.NOutOf(n=2, rules=[signed[0], other])
    rule = policies_pb2.SignaturePolicy(n_out_of=both)
    policy = policies_pb2.SignaturePolicyEnvelope(rule=rule, identities=identities)
    return bytes(policies_pb2.Policy(type=1, value=policy.SerializeToString()).SerializeToString())


def configuration(
    authorities: dict[str, Authority], orderers: dict[int, Identity], sequence: int = 0
) -> bytes:
    """The envelope of a channel's configuration."""
    group = configtx_pb2.ConfigGroup()
    for section in ("Application", "Orderer"):
        for authority in authorities.values():
            group.groups[section].groups[authority.msp_id].CopyFrom(_group(authority))
    policies = group.groups["Application"].policies
    for code in CODES:
        policies[f"condocharge-{code}"].policy.ParseFromString(_policy(code))
    ordering = configuration_pb2.Orderers()
    for number, identity in orderers.items():
        ordering.consenter_mapping.add(id=number, msp_id=identity.msp_id, identity=identity.certificate)
    values = group.groups["Orderer"].values
    values["Orderers"].value = ordering.SerializeToString()
    values["ConsensusType"].value = orderer_configuration_pb2.ConsensusType(type="BFT").SerializeToString()
    config = configtx_pb2.Config(sequence=sequence, channel_group=group)
    content = configtx_pb2.ConfigEnvelope(config=config).SerializeToString()
    header = channel_header(common_pb2.CONFIG, CHANNEL, 0)
    return bytes(envelope(next(iter(orderers.values())), header, content).SerializeToString())


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """A registration, a tariff, a unit, a purchase, and a session from its opening to its settlement."""
    folder = tmp_path_factory.mktemp("chain")
    authorities = {code: Authority.create(code, START) for code in CODES}

    async def charge() -> Chain:
        async with opened(folder, authorities) as bridge:
            aurora = await registered("aurora", bridge, authorities)
            unit, wallet = await aurora.enrol(7), PartyWallet()
            await aurora.fund(wallet, 1_000)
            await aurora.charge(wallet, unit, [1_000_000, 16_000_000])
            peers = [peer_of(each, folder / "peers") for each in authorities.values()]
            orderers = {
                number: peer_of(each, folder / "orderers", "orderer")
                for number, each in enumerate(authorities.values(), 1)
            }
            first = configuration(authorities, orderers)
            channel = await Channel.of(bridge, peers, orderers, first)
            bodies = [block.transactions for block in await bridge.blocks()]
            return Chain(channel, [decode_transaction(each[-1]) for each in bodies], authorities)

    return asyncio.run(charge())


def verify(channel: Channel, *roots: bytes) -> LedgerReport:
    """What an auditor says to a channel's blocks."""

    async def audited() -> LedgerReport:
        audit = ChannelAudit(roots)
        for block in channel.blocks:
            await audit.add(export_block(block.SerializeToString()))
        return audit.report()

    return asyncio.run(audited())


def test_an_honest_channel_verifies(chain: Chain) -> None:
    """Under the root of one member; the others' are in the first block."""
    report = verify(chain.channel, chain.root)
    assert (report.network, report.blocks) == (CHANNEL, chain.last + 1)
    assert report.functions["session.settle"] == 1
    supply = report.supply["condocharge-aurora"]
    assert (supply.issued, supply.balances, supply.income, supply.escrow) == (1_000, 700, 300, 0)


@pytest.mark.parametrize(("orderers", "enough"), [(4, True), (3, True), (2, False), (0, False)])
def test_a_block_needs_a_quorum_of_orderers(chain: Chain, orderers: int, enough: bool) -> None:
    """Three of four, as many as stand against one that lies; the same one's signature twice is one."""
    channel = chain.up_to(chain.last, orderers=orderers)
    block = chain.channel.blocks[chain.last]
    channel.seal(list(block.data.data), b"\0")
    if enough:
        verify(channel, chain.root)
        return
    metadata = common_pb2.Metadata.FromString(channel.blocks[-1].metadata.metadata[common_pb2.SIGNATURES])
    metadata.signatures.extend(list(metadata.signatures))
    channel.blocks[-1].metadata.metadata[common_pb2.SIGNATURES] = metadata.SerializeToString()
    with pytest.raises(LedgerWrong, match=f"{orderers} of its orderers signed its header, where 3 have to"):
        verify(channel, chain.root)


def _richer(content: kv_rwset_pb2.KVRWSet) -> None:
    for write in content.writes:
        write.value = write.value.replace(b'"cost":300', b'"cost":100').replace(
            b'"refund":200', b'"refund":400'
        )


def _minted(content: kv_rwset_pb2.KVRWSet) -> None:
    for write in content.writes:
        if write.key.startswith("\0balance"):
            write.value = write.value.replace(b'"amount":700', b'"amount":900')


def _blind(content: kv_rwset_pb2.KVRWSet) -> None:
    del content.reads[0]


@pytest.mark.parametrize("change", [_richer, _minted, _blind])
def test_what_all_members_made_up_together_is_found(chain: Chain, change: Change) -> None:
    """Client, peers and orderers sign it, all of them; the rules do not make it."""
    channel = chain.up_to(chain.last)
    channel.seal([channel.envelope(chain.records[-1], change)], b"\0")
    with pytest.raises(LedgerWrong, match=r"session\.settle.*rules|read set"):
        verify(channel, chain.root)


def test_an_endorsement_that_is_missing_makes_it_invalid(chain: Chain) -> None:
    """One peer's word is not two's; marked as invalid the block stands and the transaction does not count."""
    for code, good in ((b"\0", False), (POLICY_FAILURE, True)):
        channel = chain.up_to(chain.last, peers=1)
        channel.seal([channel.envelope(chain.records[-1])], code)
        if not good:
            with pytest.raises(LedgerWrong, match="is marked VALID and is not valid"):
                verify(channel, chain.root)
            continue
        report = verify(channel, chain.root)
        assert "session.settle" not in report.functions
        assert report.validations["ENDORSEMENT_POLICY_FAILURE"] == 1


def test_a_transaction_counts_once(chain: Chain) -> None:
    """The same again, and the same arguments proposed again: neither deserves to be valid."""
    block = chain.channel.blocks[chain.last]
    again = chain.up_to(chain.last + 1)
    for content in (block.data.data[0], again.envelope(chain.records[-1])):
        channel = chain.up_to(chain.last + 1)
        channel.seal([content], b"\0")
        with pytest.raises(LedgerWrong, match="is marked VALID and is not valid"):
            verify(channel, chain.root)
        channel = chain.up_to(chain.last + 1)
        channel.seal([content], DUPLICATE)
        assert verify(channel, chain.root).functions["session.settle"] == 1


def test_a_valid_transaction_cannot_be_passed_over(chain: Chain) -> None:
    """Marked as a conflict where there is none, the settlement is missed."""
    channel = chain.up_to(chain.last)
    channel.seal([channel.envelope(chain.records[-1])], MVCC_READ_CONFLICT)
    with pytest.raises(LedgerWrong, match="is marked MVCC_READ_CONFLICT and is valid"):
        verify(channel, chain.root)


def test_strangers_sign_nothing(chain: Chain) -> None:
    """A client of no member, a client whose signature is another's, a root that no member has."""
    stranger = Authority.create("elmhouse", START).issue("gateway", "gateway", START)
    record = chain.records[-1]
    certificate = record.proposal.certificate
    for clients, why in (
        (chain.channel.clients | {certificate: stranger}, "no member"),
        (chain.channel.clients | {certificate: _impostor(chain, certificate)}, "signature"),
    ):
        channel = replace(chain.up_to(chain.last), clients=clients)
        channel.seal([channel.envelope(record)], b"\0")
        with pytest.raises(LedgerWrong, match=why):
            verify(channel, chain.root)
    with pytest.raises(LedgerWrong, match="of none of its first members"):
        verify(chain.channel, Authority.create("aurora", START).root)


def _impostor(chain: Chain, certificate: bytes) -> Identity:
    """Somebody who shows a member's certificate and has another key."""
    own = chain.channel.clients[certificate]
    other = chain.authorities["boreal"].issue("gateway", "gateway", START)

    class Impostor(Identity):
        def sign(self, message: bytes) -> bytes:
            return other.sign(message)

    return Impostor(own.msp_id, own.certificate, own._key)


def test_a_configuration_follows_the_one_before(chain: Chain) -> None:
    """The next one in order takes its place, for the blocks that follow; any other is refused."""
    orderers = dict(list(chain.channel.orderers.items())[:1])
    for sequence, good in ((1, True), (2, False), (0, False)):
        channel = chain.up_to(chain.last)
        channel.seal([configuration(chain.authorities, orderers, sequence)], b"\0")
        if not good:
            with pytest.raises(LedgerWrong, match="does not follow"):
                verify(channel, chain.root)
            continue
        # One orderer alone orders from now on.
        later = replace(channel, orderers=orderers)
        later.seal([later.envelope(chain.records[-1])], b"\0")
        assert verify(later, chain.root).functions["session.settle"] == 1


def _invoking(record: TransactionRecord, namespace: str) -> TransactionRecord:
    """What a transaction does, under another chaincode's name."""
    return replace(record, payload=encode_proposal(replace(record.proposal, namespace=namespace)))


def test_another_chaincodes_name_opens_no_way_in(chain: Chain) -> None:
    """Fabric's own chaincode, and one that nobody agreed on, cannot change a condominium's records."""
    for namespace in ("_lifecycle", "nobody"):
        record = _invoking(chain.records[-1], namespace)
        channel = chain.up_to(chain.last)
        channel.seal([channel.envelope(record)], b"\0")
        with pytest.raises(LedgerWrong, match="is marked VALID and is not valid"):
            verify(channel, chain.root)
        channel = chain.up_to(chain.last)
        channel.seal([channel.envelope(record)], POLICY_FAILURE)
        assert "session.settle" not in verify(channel, chain.root).functions


def _with_a_policy(content: kv_rwset_pb2.KVRWSet) -> None:
    content.metadata_writes.add(key=content.writes[0].key).entries.add(name="VALIDATION_PARAMETER")


def test_keys_have_no_policies_of_their_own(chain: Chain) -> None:
    """The rules never give them any, so a transaction that does was not made by them."""
    channel = chain.up_to(chain.last)
    channel.seal([channel.envelope(chain.records[-1], _with_a_policy)], b"\0")
    with pytest.raises(LedgerWrong, match="policies of their own"):
        verify(channel, chain.root)
