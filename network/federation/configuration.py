"""Changing the channel's configuration: who is a member, who orders, who endorses what.

What the configuration should be is made from the federation's description, exactly as the first block was.
The difference to what it is becomes an update; administrators sign the update's bytes, and it takes effect
once it is ordered with as many signatures as the channel asks for.
"""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import grpc
from fabric_protos.common import common_pb2, configtx_pb2
from fabric_protos.orderer import ab_pb2_grpc

from network.fabric.gateway import Gateway, system_clock
from network.fabric.proposal import NONCE_LENGTH, Signer, channel_header, creator, envelope
from network.federation.binaries import Binaries
from network.federation.channel import configuration, make_genesis
from network.federation.description import Federation, FederationError
from network.federation.folder import LOCAL_ADDRESS, Folder

_SECONDS = 20.0
_NO_DIFFERENCE = "no differences detected"
_ORDERING_VALUES = ("Orderers", "ConsensusType")


async def current(gateway: Gateway) -> configtx_pb2.Config:
    """The channel's configuration as the own peer has it."""
    arguments = [b"GetChannelConfig", gateway.channel.encode()]
    answer = await gateway.evaluate("cscc", arguments, [gateway.signer.msp_id])
    return configtx_pb2.Config.FromString(answer)


def desired(now: configtx_pb2.Config, federation: Federation, binaries: Binaries) -> configtx_pb2.Config:
    """What the configuration should be with the members of `federation`; all else stays as it is."""
    fresh = configuration(make_genesis(federation, binaries)).channel_group.groups
    wanted = configtx_pb2.Config()
    wanted.CopyFrom(now)
    for section in ("Application", "Orderer"):
        group, target = wanted.channel_group.groups[section], fresh[section]
        for name in set(group.groups) - set(target.groups):
            del group.groups[name]
        for name in target.groups:
            if name not in group.groups:
                group.groups[name].CopyFrom(target.groups[name])
    policies = wanted.channel_group.groups["Application"].policies
    for name in federation.namespaces:
        policies[name].CopyFrom(fresh["Application"].policies[name])
    orderer = wanted.channel_group.groups["Orderer"]
    for name in _ORDERING_VALUES:
        if name in fresh["Orderer"].values:
            orderer.values[name].value = fresh["Orderer"].values[name].value
    orderer.policies["BlockValidation"].policy.CopyFrom(fresh["Orderer"].policies["BlockValidation"].policy)
    return wanted


def difference(
    channel: str, now: configtx_pb2.Config, wanted: configtx_pb2.Config, binaries: Binaries
) -> bytes | None:
    """The update that leads from `now` to `wanted`, None where they are the same.

    Raises FederationError where configtxlator fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        before, after, update = (Path(scratch) / name for name in ("before", "after", "update"))
        before.write_bytes(now.SerializeToString())
        after.write_bytes(wanted.SerializeToString())
        command: list[str | Path] = [binaries.path("configtxlator"), "compute_update"]
        command += ["--channel_id", channel, "--original", before, "--updated", after, "--output", update]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if _NO_DIFFERENCE in run.stderr + run.stdout:
            return None
        if run.returncode != 0:
            raise FederationError(f"configtxlator failed: {(run.stderr or run.stdout).strip()[-600:]}")
        return update.read_bytes()


def sign(signer: Signer, update: bytes) -> bytes:
    """An administrator's signature of an update: a serialised `ConfigSignature`."""
    header = common_pb2.SignatureHeader(creator=creator(signer), nonce=secrets.token_bytes(NONCE_LENGTH))
    content = header.SerializeToString()
    signature = configtx_pb2.ConfigSignature(
        signature_header=content, signature=signer.sign(content + update)
    )
    return bytes(signature.SerializeToString())


async def submit(
    folder: Folder, signer: Signer, channel: str, update: bytes, signatures: Sequence[bytes]
) -> None:
    """Hand a signed update to the own orderer. Raises FederationError where it is refused."""
    signed = configtx_pb2.ConfigUpdateEnvelope(
        config_update=update,
        signatures=[configtx_pb2.ConfigSignature.FromString(signature) for signature in signatures],
    )
    header = channel_header(common_pb2.CONFIG_UPDATE, channel, system_clock())
    message = envelope(signer, header, signed.SerializeToString())
    credentials = grpc.ssl_channel_credentials((folder.path / "tls/root.pem").read_bytes())
    address = f"{LOCAL_ADDRESS}:{folder.ports.orderer}"
    async with grpc.aio.secure_channel(address, credentials) as connection:
        call = ab_pb2_grpc.AtomicBroadcastStub(connection).Broadcast(iter((message,)), timeout=_SECONDS)
        async for answer in call:
            if answer.status != common_pb2.SUCCESS:
                name = common_pb2.Status.Name(answer.status)
                raise FederationError(f"the orderer refuses the update: {name}: {answer.info}")
            return
    raise FederationError("the orderer did not answer the update")


def majority(members: int) -> int:
    """How many administrators of `members` an update needs (`MAJORITY Admins`)."""
    return members // 2 + 1
