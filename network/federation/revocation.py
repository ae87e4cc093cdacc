"""Withdrawing a certificate before its end, for a key that was lost or stolen.

The condominium's own administrator is enough: the list is in its own part of the channel's configuration, and
every peer refuses the certificate from the block on in which it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from fabric_protos.common import configtx_pb2
from fabric_protos.msp import msp_config_pb2

from network.federation import configuration
from network.federation.binaries import Binaries
from network.federation.description import FederationError
from network.federation.folder import Folder
from network.federation.issuer import issuer_of
from network.federation.network import administration
from network.federation.readiness import wait_until
from network.file import write
from network.identity import read_pem

_SECONDS = 60.0
_LIST = "ca/revoked.pem"
_SECTIONS = ("Application", "Orderer")


async def revoke(folder: Folder, certificate: Path, binaries: Binaries) -> None:
    """Have the whole network refuse `certificate` (PEM) of this condominium; once is enough.

    Raises FederationError where it is another condominium's, or the orderers refuse.
    """
    withdrawn = x509.load_pem_x509_certificate(read_pem(certificate))
    root = x509.load_pem_x509_certificate(read_pem(folder.path / "ca/root.pem"))
    if withdrawn.issuer != root.subject:
        raise FederationError(
            f"{certificate} was not issued by {folder.code}; its own condominium revokes it"
        )
    channel = folder.federation.channel
    async with administration([folder]) as (gateway,):
        now = await configuration.current(gateway)
        with issuer_of(folder) as issuer:
            listed = issuer.revoke(withdrawn, _revoked(now, folder))
        write(folder.path / _LIST, listed)
        wanted = _with_revoked(now, folder, listed)
        update = configuration.difference(channel, now, wanted, binaries)
        if update is None:
            return
        signature = configuration.sign(gateway.signer, update)
        await configuration.submit(folder, gateway.signer, channel, update, [signature])

        async def changed() -> bool:
            return int((await configuration.current(gateway)).sequence) > int(now.sequence)

        await wait_until("the channel's configuration has not changed", changed, _SECONDS)


def revoked_here(folder: Folder) -> set[int]:
    """Serial numbers of the certificates that were revoked on this machine."""
    path = folder.path / _LIST
    return _serials([path.read_bytes()]) if path.exists() else set()


def _revoked(now: configtx_pb2.Config, folder: Folder) -> set[int]:
    """The serial numbers on the condominium's list in the channel's configuration."""
    found: set[int] = set()
    for section in _SECTIONS:
        value = now.channel_group.groups[section].groups[folder.member.msp_id].values["MSP"]
        msp = msp_config_pb2.MSPConfig.FromString(value.value)
        found |= _serials(msp_config_pb2.FabricMSPConfig.FromString(msp.config).revocation_list)
    return found


def _with_revoked(now: configtx_pb2.Config, folder: Folder, listed: bytes) -> configtx_pb2.Config:
    """The configuration with the list `listed` (PEM); the same where all on it are there already."""
    wanted = configtx_pb2.Config()
    wanted.CopyFrom(now)
    serials = _serials([listed])
    for section in _SECTIONS:
        value = wanted.channel_group.groups[section].groups[folder.member.msp_id].values["MSP"]
        msp = msp_config_pb2.MSPConfig.FromString(value.value)
        settings = msp_config_pb2.FabricMSPConfig.FromString(msp.config)
        if serials <= _serials(settings.revocation_list):
            continue
        del settings.revocation_list[:]
        settings.revocation_list.append(listed)
        msp.config = settings.SerializeToString()
        value.value = msp.SerializeToString()
    return wanted


def _serials(lists_of_certificates: Iterable[bytes]) -> set[int]:
    lists = (x509.load_pem_x509_crl(content) for content in lists_of_certificates)
    return {entry.serial_number for each in lists for entry in each}
